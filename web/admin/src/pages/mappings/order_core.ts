// Moves of a row in an order. Pure.

/** The order with the item at `from` at `to`; places outside are the ends. */
export function moved<T>(order: readonly T[], from: number, to: number): T[] {
  if (from < 0 || from >= order.length) return [...order];
  const rest = order.filter((_, i) => i !== from);
  const place = Math.max(0, Math.min(rest.length, to));
  return [...rest.slice(0, place), order[from] as T, ...rest.slice(place)];
}

/**
 * My order over what is there now: what went is left out, what is new comes where it stands among its neighbours, or last.
 */
export function reconciled<K>(mine: readonly K[], now: readonly K[]): K[] {
  const there = new Set(now);
  const kept = mine.filter((key) => there.has(key));
  const known = new Set(kept);
  for (const [i, key] of now.entries()) {
    if (known.has(key)) continue;
    const before = now[i - 1];
    kept.splice(before === undefined ? 0 : kept.indexOf(before) + 1, 0, key);
    known.add(key);
  }
  return kept;
}

export function isSameOrder<K>(a: readonly K[], b: readonly K[]): boolean {
  return a.length === b.length && a.every((key, i) => key === b[i]);
}
