// Page positions of follow_get (contract U4 to U6): a key position by default, a plain offset on request. Both are
// bound to one list of one user, and both are opaque to clients.
import { Refusal } from './envelope.ts';
import { indexAfter, type Member, type MemberList } from './member-list.ts';

/** Where the next page starts: behind this member, or at this index. */
type Position = { t: number; u: string } | { o: number };

export function encodeCursor(position: Position, boundTo: string): string {
  return Buffer.from(JSON.stringify({ ...position, of: boundTo })).toString('base64url');
}

export const behind = ({ time, id }: Member): Position => ({ t: time, u: id });

/** Index at which a page starts. Garbage and another list's cursor are refused with 30001. */
export function startOf(list: MemberList, cursor: string, boundTo: string): number {
  if (cursor === '') return 0;
  const { t, u, o, of } = decode(cursor);
  if (of !== boundTo) throw new Refusal(30001, 'StartCursor belongs to another list');
  if (Number.isSafeInteger(o)) return Math.max(0, Number(o));
  if (typeof u === 'string' && Number.isSafeInteger(t)) return indexAfter(list, { id: u, time: Number(t) });
  throw new Refusal(30001, 'StartCursor is not valid');
}

function decode(cursor: string): { t?: unknown; u?: unknown; o?: unknown; of?: unknown } {
  try {
    const json: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (typeof json === 'object' && json !== null) return json;
  } catch {
    // Refused below like any other garbage.
  }
  throw new Refusal(30001, 'StartCursor is not valid');
}
