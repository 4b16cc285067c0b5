// Tiers as people choose them.

const SHOWN = [0, 1, 2, 3, 4, 5];

/** Who sees a channel live: from which tier on, or nobody. A tier beyond the usual ones stays choosable where it is set. */
export function visibilityOptions(current: number | null | undefined): { value: number | null; text: string }[] {
  const tiers = current === null || current === undefined || SHOWN.includes(current) ? SHOWN : [...SHOWN, current];
  return [{ value: null, text: 'Hidden' }, ...tiers.map((tier) => ({ value: tier, text: tier === 0 ? 'Tier 0: everybody' : `Tier ${tier} and up` }))];
}
