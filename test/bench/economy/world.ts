// Who there is and who follows whom: a power law of fame over 10,000 users, made up as it is asked for.
import {
  type FollowCounts,
  type FollowEntry,
  type FollowList,
  type FollowPage,
  type Profile,
  UNSET_PROFILE,
  type UserId,
} from '../../../src/follow/model.ts';

export const USERS = 10_000;
/** Members of a client page. */
export const PAGE = 20;

/** List sizes fall with the rank by a power law, down to what everybody has: all have a second page of fans. */
const MOST: FollowCounts = { fans: 3000, follows: 300, mutuals: 150 };
const FALL: FollowCounts = { fans: 0.8, follows: 0.3, mutuals: 0.4 };
const LEAST: FollowCounts = { fans: 22, follows: 10, mutuals: 4 };
const FIRST_FOLLOW = Date.UTC(2021, 0, 1) / 1000;
const SALTS: Record<FollowList, number> = { fans: 1, follows: 2, mutuals: 3 };

const ids = Array.from({ length: USERS }, (_, rank): UserId => `user_${String(rank).padStart(5, '0')}`);
const profiles = ids.map(inventProfile);
export const userOf = (rank: number): UserId => ids[rank] as UserId;
const rankOf = (userId: UserId): number => Number(userId.slice('user_'.length));
export const profileOf = (userId: UserId): Profile => profiles[rankOf(userId)] as Profile;

export const sizeOf = (rank: number, list: FollowList): number =>
  Math.max(LEAST[list], Math.floor(MOST[list] / (rank + 1) ** FALL[list]));
export const lastPage = (rank: number, list: FollowList): number => Math.ceil(sizeOf(rank, list) / PAGE);

export function countsOf(userId: UserId): FollowCounts {
  const rank = rankOf(userId);
  return { fans: sizeOf(rank, 'fans'), follows: sizeOf(rank, 'follows'), mutuals: sizeOf(rank, 'mutuals') };
}

/** The upstream's page of `size` members from `start` on; its cursor is a place in the list. */
export function pageOf(userId: UserId, list: FollowList, start: string, size: number): FollowPage {
  const rank = rankOf(userId);
  const [from, all] = [Number(start), sizeOf(rank, list)];
  const to = Math.min(from + size, all);
  const entries = Array.from({ length: Math.max(0, to - from) }, (_, i) => memberOf(rank, list, from + i));
  return { entries, next: to < all ? startAt(to) : '' };
}

/** The upstream's cursor of the page that begins at `index`. */
export const startAt = (index: number): string => (index === 0 ? '' : String(index));

/** Members are anybody, each once: a stride without a common divisor with the number of users visits all of them. */
export function memberOf(rank: number, list: FollowList, index: number): FollowEntry {
  const stride = 10 * ((rank * 7919 + SALTS[list] * 104_729) % 997) + 3;
  const member = (rank * 31 + SALTS[list] * 1009 + (index + 1) * stride) % USERS;
  const profile = profiles[member] as Profile;
  return { user: { id: userOf(member), profile }, followedAt: FIRST_FOLLOW + (sizeOf(rank, list) - index) * 600 };
}

function inventProfile(userId: UserId): Profile {
  const nick = `Nick of ${userId}`;
  return {
    ...UNSET_PROFILE,
    nick,
    customFields: [],
    items: [{ tag: 'Tag_Profile_IM_Nick', value: nick }],
    version: 1,
    whole: true,
  };
}
