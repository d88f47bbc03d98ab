// Parts of a page, the same object for whoever asks for the same part: what is made of one part is then made once.

/** A page is asked for in few sizes, and from few places on. */
const MOST_CUTS = 4;

const cuts = new WeakMap<readonly unknown[], Map<string, readonly unknown[]>>();

/** The entries from `from` up to `to`. Neither the page nor a part of it may be changed. */
export function cut<E>(entries: readonly E[], from: number, to: number): readonly E[] {
  if (from === 0 && to >= entries.length) return entries;
  const known = cuts.get(entries) ?? new Map<string, readonly unknown[]>();
  const key = `${from} ${to}`;
  // What is kept for a page is made of its entries.
  const part = (known.get(key) as readonly E[] | undefined) ?? entries.slice(from, to);
  if (known.size >= MOST_CUTS && !known.has(key)) known.clear();
  known.set(key, part);
  cuts.set(entries, known);
  return part;
}
