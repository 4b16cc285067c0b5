// Order and selection of the rows of a table. Pure.

export type SortValue = string | number | boolean | null | undefined;
export interface Sort { key: string; descending: boolean }

/** In this order; equal rows keep theirs, and rows without a value come last either way. */
export function sorted<T>(rows: readonly T[], by: (row: T) => SortValue, descending: boolean): T[] {
  return rows
    .map((row, place) => ({ row, place, value: by(row) }))
    .sort((a, b) => {
      const gaps = Number(isMissing(a.value)) - Number(isMissing(b.value));
      if (gaps !== 0) return gaps;
      const order = compare(a.value, b.value);
      return (descending ? -order : order) || a.place - b.place;
    })
    .map(({ row }) => row);
}

function isMissing(value: SortValue): boolean {
  return value === null || value === undefined || value === '';
}

function compare(a: SortValue, b: SortValue): number {
  if (typeof a === 'string' && typeof b === 'string') return a.localeCompare(b, undefined, { numeric: true, sensitivity: 'base' });
  return Number(a ?? 0) - Number(b ?? 0);
}

/** What a click on a heading makes of the order: up, down, as it came. */
export function nextSort(sort: Sort | null, key: string): Sort | null {
  if (sort?.key !== key) return { key, descending: false };
  return sort.descending ? null : { key, descending: true };
}

/** The keys that a click selects: one, or with shift all between the last click and this one. */
export function clicked(keys: readonly string[], last: string | null, key: string, with_shift: boolean): string[] {
  const to = keys.indexOf(key);
  const from = last === null ? -1 : keys.indexOf(last);
  if (!with_shift || from < 0 || to < 0) return [key];
  return keys.slice(Math.min(from, to), Math.max(from, to) + 1);
}
