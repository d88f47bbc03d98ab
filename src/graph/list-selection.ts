// What the three lists offer beside going forward: search, order, and pages from the end. It takes the list whole, which
// follows and mutuals allow and fans, of whom there may be millions, do not.
import type { ArgBuilder } from '@pothos/core';
import type { Context, GraphSettings } from '../context.ts';
import { GatewayError, outcomeOf } from '../errors.ts';
import type { FollowList, Profile, UserHandle, UserId } from '../follow/model.ts';
import {
  isByNick,
  MAX_FOLLOWS,
  type MemberOrder,
  type MemberPosition,
  readMembers,
  type Selected,
  selectMembers,
} from '../follow/select-members.ts';
import { type Outcome, valueOrNull } from '../follow/services.ts';
import { MAX_PAGE_SIZE, type ReadPage } from '../follow/walk.ts';
import { builder } from './builder.ts';
import { type ConnectionArguments, checkFirst, connectionArguments, UserEdge } from './connection.ts';
import { type CursorScope, decodeCursor } from './cursor.ts';

const FollowOrderType = builder.enumType('FollowOrder', {
  description: 'The order of a list.',
  values: {
    FOLLOWED_AT_ASC: { description: 'The oldest follow first.' },
    FOLLOWED_AT_DESC: { description: 'The newest follow first.' },
    NICK_ASC: { description: 'By nick, without regard to width, case and accents; those who have none first.' },
    NICK_DESC: { description: 'The same backwards.' },
  } satisfies Record<MemberOrder, { description: string }>,
});

export type ListArguments = ConnectionArguments & {
  before?: string | null;
  matching?: string | null;
  orderBy?: MemberOrder | null;
};

const NOT_OF_FANS = 'Not of fans, of whom there may be too many.';

export const listArguments = (t: ArgBuilder<typeof builder.$inferSchemaTypes>) => ({
  ...connectionArguments(t),
  last: t.int({ description: `How many members to return from the end, in place of \`first\`. ${NOT_OF_FANS}` }),
  before: t.string({ description: `The cursor of the edge to end before. ${NOT_OF_FANS}` }),
  matching: t.string({
    description:
      'Only members with this in their id or nick, without regard to width, case and accents. Looks through 10,000 fans by default; `isComplete` says whether that was all.',
  }),
  orderBy: t({
    type: FollowOrderType,
    description: `The order; left out, that of the upstream, and the newest first with \`matching\`, \`last\` or \`before\`. Cursors hold for both orders by time, or for both by nick. ${NOT_OF_FANS}`,
  }),
});

/** Whether these arguments take the whole list. */
export const isWholeList = ({ last, before, matching, orderBy }: ListArguments): boolean =>
  (last ?? before ?? orderBy) != null || Boolean(matching?.trim());

export const maxMembersOf = (list: FollowList, { searchMaxFans }: GraphSettings): number =>
  list === 'fans' ? searchMaxFans : MAX_FOLLOWS;

/** What is wanted of a whole list, or `BAD_USER_INPUT` or `INVALID_CURSOR`. */
export function checkSelection(userId: UserId, list: FollowList, args: ListArguments, settings: GraphSettings) {
  const { matching = null, last, before, orderBy } = args;
  if (list === 'fans' && (last ?? before ?? orderBy) != null)
    throw new GatewayError(
      'BAD_USER_INPUT',
      '"last", "before" and "orderBy" take the whole list, and fans may be too many for that. Page forward, or use "matching".',
    );
  const scope: CursorScope = { userId, list: isByNick(orderBy) ? `${list} by nick` : list };
  const positionAt = (name: 'after' | 'before'): MemberPosition | null => {
    const cursor = args[name];
    if (cursor == null) return null;
    const { start, followedAt, userId: id } = decodeCursor(settings.cursorKey, scope, cursor, name);
    return { id, key: isByNick(orderBy) ? start : followedAt };
  };
  return {
    ...{ scope, matching: matching?.trim() ?? null, orderBy: orderBy ?? 'FOLLOWED_AT_DESC' },
    first: checkFirst(args.first, settings),
    last: last == null ? null : checkFirst(last, settings, 'last'),
    after: positionAt('after'),
    before: positionAt('before'),
    maxMembers: maxMembersOf(list, settings),
  };
}

export type Found = Selected<UserEdge> & { isComplete: boolean };

/** Reads the whole list, and selects from it. */
export async function readSelected(
  readPage: ReadPage<UserEdge>,
  { scope, maxMembers, ...wanted }: ReturnType<typeof checkSelection>,
  { load, names, settings }: Context,
): Promise<Found> {
  // Twice as many pages as it takes: an upstream may send short ones.
  const maxPages = 2 * Math.ceil(maxMembers / MAX_PAGE_SIZE);
  const { members, isComplete } = await readMembers(readPage, { maxMembers, maxPages });
  const isNamed = isByNick(wanted.orderBy) || wanted.matching;
  const read = isNamed ? await readMissingProfiles(members, load) : new Map<UserId, Outcome<Profile>>();
  const userOf = ({ user }: UserEdge): UserHandle => {
    const profile = valueOrNull(read.get(user.id));
    return profile ? { ...user, profile } : user;
  };
  if (isNamed) await names.prepare(members.map(userOf));
  const nameOf = (member: UserEdge) => names.nameOf(userOf(member));
  const { entries, ...rest } = selectMembers(members, { ...wanted, nameOf });
  // A cursor of this order names a position among the nicks.
  const byNick = (edge: UserEdge) =>
    new UserEdge(edge, settings.cursorKey, scope, { start: nameOf(edge).key, size: 0, index: 0 });
  const isNameless = (profile: Outcome<Profile>) =>
    profile instanceof GatewayError && profile.code !== 'USER_NOT_FOUND';
  return {
    ...rest,
    entries: isByNick(wanted.orderBy) ? entries.map(byNick) : entries,
    isComplete: isComplete && ![...read.values()].some(isNameless),
  };
}

/** The profiles of those whose nick did not come along with the list. */
async function readMissingProfiles(members: readonly UserEdge[], { profile: read }: Context['load']) {
  const lacking = members.filter(({ user }) => user.profile === null);
  const load = async ({ user: { id } }: UserEdge) => [id, await outcomeOf(() => read(id))] as const;
  return new Map(await Promise.all(lacking.map(load)));
}
