// The follow commands (CONTRACT 4, U1 to U20, U26).
import { randomUUID } from 'node:crypto';
import { isRecord, parseJson } from '../../json.ts';
import type { Member } from '../accounts.ts';
import { doneOf, failureOf, pluck, readFromAccount, readTargets } from '../checks.ts';
import { type Body, failed, type Handler, type Parts, processed, Refusal } from '../envelope.ts';
import { compareMembers, type ListName } from '../world.ts';

const LISTS: Readonly<Record<number, ListName>> = { 1: 'fans', 2: 'follows', 3: 'mutuals' };
const DEFAULT_PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1000;

/**
 * follow_get: one page of a user's fans, follows or mutuals. A cursor is a key position by default and a plain offset on
 * request. Both are bound to one list of one user, and opaque to clients.
 */
export function createFollowGet({ world, now }: Parts): Handler {
  const entry = ({ id, time }: Member) => {
    const { items = [], sequence = 0 } = world.profile(id) ?? {};
    return { To_Account: id, FollowTime: time, ProfileItem: items, profile_sequence: sequence };
  };

  return (body, faults) => {
    if (faults.endlessPages) return { FollowItem: [], NextCursor: randomUUID() };
    const { id, list, cursor, want } = readRequest(body);
    if (!world.has(id)) throw new Refusal(30003);
    const owner = `${id}/${list}`;
    const members = world.list(id, list, faults.listsLag && now() - faults.listsLag.ms);
    const start = startOf(members, cursor, owner);
    const size = faults.shortPages ? Math.min(want, faults.shortPages.keep ?? Math.ceil(want / 2)) : want;
    const page = members.slice(start, start + size);
    const end = start + page.length;
    const last = page.at(-1);
    const hasMore = end < members.length || faults.extraEmptyPage !== undefined;
    const position = faults.offsetCursor ? { o: end } : { t: last?.time, u: last?.id };
    const next = Buffer.from(JSON.stringify({ ...position, of: owner })).toString('base64url');
    const items = [...page, ...(faults.duplicates ? page.slice(0, 1) : [])].map(entry);
    return {
      ...((last || !faults.missingFollowItem) && { FollowItem: items }),
      NextCursor: (faults.stuckCursor && cursor) || (last && hasMore ? next : ''),
    };
  };
}

function readRequest(body: Body): { id: string; list: ListName; cursor: string; want: number } {
  const id = readFromAccount(body, 30001);
  const list = typeof body.FollowType === 'number' ? LISTS[body.FollowType] : undefined;
  if (!list) throw new Refusal(30001, 'FollowType must be 1, 2 or 3');
  const cursor = body.StartCursor;
  if (typeof cursor !== 'string') throw new Refusal(30001, 'StartCursor must be a string, empty for the first page');
  const want = body.WantNum ?? 0;
  if (typeof want !== 'number' || !Number.isInteger(want) || want < 0 || want > MAX_PAGE_SIZE) {
    throw new Refusal(30001, `WantNum must be an integer of at most ${MAX_PAGE_SIZE}`);
  }
  return { id, list, cursor, want: want || DEFAULT_PAGE_SIZE };
}

/** Index at which a page starts. Garbage and another list's cursor are refused with 30001. */
function startOf(members: readonly Member[], cursor: string, owner: string): number {
  if (cursor === '') return 0;
  const json = parseJson(Buffer.from(cursor, 'base64url').toString('utf8'));
  const { o: offset, t: time, u: id, of } = isRecord(json) ? json : {};
  if (of === owner && Number.isSafeInteger(offset)) return Math.max(0, Number(offset));
  if (of === owner && typeof id === 'string' && Number.isSafeInteger(time)) {
    const position = { id, time: Number(time) };
    const index = members.findIndex((member) => compareMembers(member, position) > 0);
    return index < 0 ? members.length : index;
  }
  throw new Refusal(30001, 'StartCursor is not valid for this list');
}

/** follow_add, follow_delete, follow_check and follow_get_info: one user and a list of others, each with its own result. */
export function createFollowBatches({ world, act, now }: Parts) {
  const shownAt = (lag?: { ms: number }) => lag && now() - lag.ms;

  /** As `FollowType` has it (CONTRACT 4.0). */
  function relation(from: string, to: string, asOf?: number): number {
    const isFan = world.followTime(to, from, asOf) !== undefined;
    if (world.followTime(from, to, asOf) !== undefined) return isFan ? 3 : 2;
    return isFan ? 1 : 0;
  }

  const follow_add: Handler = (body, faults) => {
    const { from, targets } = readTargets(world, body, 20, pluck(body.FollowItem, 'To_Account'), 'FollowItem');
    const refusalOf = (to: string) =>
      to === from ? failed(to, 30001, 'From_Account cannot follow itself') : undefined;
    const ResultItem = targets.map((to) => failureOf(world, to, faults) ?? refusalOf(to) ?? processed(to));
    act.follow(from, doneOf(ResultItem));
    return { ResultItem };
  };

  const follow_delete: Handler = (body, faults) => {
    const { from, targets } = readTargets(world, body, 20);
    const ResultItem = targets.map((to) => failureOf(world, to, faults) ?? processed(to));
    act.unfollow(from, doneOf(ResultItem));
    return { ResultItem };
  };

  const follow_check: Handler = (body, faults) => {
    const { from, targets } = readTargets(world, body, 100);
    const asOf = shownAt(faults.listsLag);
    return {
      ResultItem: targets.map(
        (to) => failureOf(world, to, faults) ?? { ...processed(to), FollowType: relation(from, to, asOf) },
      ),
    };
  };

  const follow_get_info: Handler = (body, faults) => {
    const { targets } = readTargets(world, body, 20);
    const asOf = shownAt(faults.countsLag);
    return {
      FollowInfo: targets.map((to) => {
        const failure = failureOf(world, to, faults);
        // A failed item still carries counts, all zero: reading them without the ResultCode is a client's mistake.
        const { fans, follows, mutuals } = failure ? { fans: 0, follows: 0, mutuals: 0 } : world.counts(to, asOf);
        return {
          ...(failure ?? processed(to)),
          FollowerCount: fans,
          FollowingCount: follows,
          MutualFollowingCount: mutuals,
        };
      }),
    };
  };

  return { follow_add, follow_delete, follow_check, follow_get_info };
}
