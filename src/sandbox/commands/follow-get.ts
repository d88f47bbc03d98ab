// follow_get: one page of a user's fans, follows or mutuals (contract 4.1, U1 to U13).
import type { FollowGetResponse, WireFollowItem } from '../../tencent/wire.ts';
import { type Body, readAccount } from '../body.ts';
import { behind, encodeCursor, startOf } from '../cursors.ts';
import { Refusal } from '../envelope.ts';
import { inOrder, type Member } from '../member-list.ts';
import type { ListName, World } from '../world.ts';
import type { FieldsOf, Handler } from './batch-items.ts';

const LISTS: Readonly<Record<number, ListName>> = { 1: 'fans', 2: 'follows', 3: 'mutuals' };
const DEFAULT_PAGE = 100;
const LARGEST_PAGE = 1000;

type Dependencies = { world: World; now: () => number };

export function createFollowGet({ world, now }: Dependencies): Handler<FieldsOf<FollowGetResponse>> {
  const entry = ({ id, time }: Member): WireFollowItem => {
    const profile = world.profile(id);
    return {
      To_Account: id,
      FollowTime: time,
      ProfileItem: [...(profile?.items ?? [])],
      profile_sequence: profile?.sequence ?? 0,
    };
  };

  return (body, { faults }) => {
    const { id, list, cursor, want } = readRequest(body);
    if (!world.has(id)) throw new Refusal(30003);
    const boundTo = `${id}/${list}`;
    const members = world.members(id, list, faults.listsLag && now() - faults.listsLag.ms);
    const start = startOf(members, cursor, boundTo);
    const size = faults.shortPages ? Math.min(want, faults.shortPages.keep ?? Math.ceil(want / 2)) : want;
    const page = inOrder(members).slice(start, start + size);
    const end = start + page.length;
    const last = page.at(-1);
    const more = end < members.members.length || faults.extraEmptyPage !== undefined;
    const position = last && (faults.offsetCursor ? { o: end } : behind(last));
    return { FollowItem: page.map(entry), NextCursor: position && more ? encodeCursor(position, boundTo) : '' };
  };
}

function readRequest(body: Body): { id: string; list: ListName; cursor: string; want: number } {
  const id = readAccount(body.From_Account, { field: 'From_Account', code: 30001 });
  const list = typeof body.FollowType === 'number' ? LISTS[body.FollowType] : undefined;
  if (!list) throw new Refusal(30001, 'FollowType must be 1, 2 or 3');
  const cursor = body.StartCursor;
  if (typeof cursor !== 'string') throw new Refusal(30001, 'StartCursor must be a string, empty for the first page');
  const want = body.WantNum ?? 0;
  if (typeof want !== 'number' || !Number.isInteger(want) || want < 0 || want > LARGEST_PAGE) {
    throw new Refusal(30001, `WantNum must be an integer of at most ${LARGEST_PAGE}`);
  }
  return { id, list, cursor, want: want || DEFAULT_PAGE };
}
