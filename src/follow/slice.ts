// Slices of a page, the same object for every caller of the same slice: what is derived from one is derived once.

/** A page is asked for in few sizes, and from few places on. */
const MAX_SLICES = 4;

const slices = new WeakMap<readonly unknown[], Map<string, readonly unknown[]>>();

/** The entries from `from` up to `to`. Neither the page nor a slice of it may be changed. */
export function sliceOf<E>(entries: readonly E[], from: number, to: number): readonly E[] {
  if (from === 0 && to >= entries.length) return entries;
  const known = slices.get(entries) ?? new Map<string, readonly unknown[]>();
  const key = `${from} ${to}`;
  // The slices kept for a page are made of its entries.
  const part = (known.get(key) as readonly E[] | undefined) ?? entries.slice(from, to);
  if (known.size >= MAX_SLICES && !known.has(key)) known.clear();
  known.set(key, part);
  slices.set(entries, known);
  return part;
}
