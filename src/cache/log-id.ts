// Ids of log entries. Redis makes `<ms>-<seq>`. What one replica has heard of itself alone comes right behind such an id:
// `<ms>-<seq>.<n>.<tag>`, where the tag is that replica's, since another one's n-th is another entry.

/** The text of an id; cursors are made of it, so it holds nothing that a URL would have to escape. */
export const LOG_ID = /^(\d{1,15})-(\d{1,15})(?:\.(\d{1,15})\.(\d{1,10}))?$/;

const LARGEST_SEQ = 999_999_999_999_999;

/** Before everything that a stream can hold. */
export const FIRST_ID = '0-0';

type Parts = readonly [ms: number, seq: number, n: number];

/** Below zero when `a` comes before `b`, above when behind, zero when they are the same place. */
export function compareIds(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
}

/** The id right behind `id` that only the replica with `tag` knows. */
export function idBehind(id: string, tag: number): string {
  const [ms, seq, n] = partsOf(id);
  return `${ms}-${seq}.${n + 1}.${tag}`;
}

/** A place before `id`, behind which there was nothing for as good as certain. */
export function idBefore(id: string): string {
  const [ms, seq] = partsOf(id);
  if (seq > 0) return `${ms}-${seq - 1}`;
  return ms > 0 ? `${ms - 1}-${LARGEST_SEQ}` : FIRST_ID;
}

/** Whose id it is, as far as it is one replica's alone: its tag, and the id of the stream that it comes behind. */
export function ownerOf(id: string): { tag: number; behind: string } | null {
  const [, ms, seq, , tag] = LOG_ID.exec(id) ?? [];
  return tag === undefined ? null : { tag: Number(tag), behind: `${ms}-${seq}` };
}

function partsOf(id: string): Parts {
  const found = LOG_ID.exec(id);
  if (!found) throw new Error(`${JSON.stringify(id.slice(0, 60))} is no id of a log entry.`);
  return [Number(found[1]), Number(found[2]), Number(found[3] ?? 0)];
}
