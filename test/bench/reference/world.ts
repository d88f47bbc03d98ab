// The users and follows of every bench: 10,000 users whose lists shrink with their rank by a power law. Lists
// are computed when they are asked for, so they are the same on every page and in every process; new fans come in front.

export const USERS = 10_000;
/** Edges of a client's page. */
export const PAGE = 20;

export type ListName = 'fans' | 'follows' | 'mutuals';
export type Counts = Record<ListName, number>;
export type Item = { rank: number; followedAtSeconds: number };

const LARGEST: Counts = { fans: 3000, follows: 300, mutuals: 150 };
const EXPONENT: Counts = { fans: 0.8, follows: 0.3, mutuals: 0.4 };
/** Everybody has a second page of fans. */
const SMALLEST: Counts = { fans: 22, follows: 10, mutuals: 4 };
/** Fans of a user beyond the 10,000, of whom there are as many as a bench that never asks twice needs. */
const FANS_OF_OTHERS = 250;
const SALTS: Counts = { fans: 1, follows: 2, mutuals: 3 };
const FIRST_FOLLOW_SECONDS = Date.UTC(2021, 0, 1) / 1000;

export const userOf = (rank: number): string => `user_${String(rank).padStart(7, '0')}`;
export const rankOf = (userId: string): number => Number(userId.slice('user_'.length));

/** How many members a list has at the start. */
export function sizeOf(rank: number, list: ListName): number {
  if (rank >= USERS && list === 'fans') return FANS_OF_OTHERS;
  return Math.max(SMALLEST[list], Math.floor(LARGEST[list] / (rank + 1) ** EXPONENT[list]));
}

export function createWorld() {
  /** Members that came later, by list; the last one stands in front. */
  const newcomers = new Map<string, Item[]>();
  const follows = new Set<string>();
  const newcomersOf = (rank: number, list: ListName) => newcomers.get(`${rank} ${list}`) ?? [];
  const countOf = (rank: number, list: ListName) => sizeOf(rank, list) + newcomersOf(rank, list).length;

  /** An index names a member for good: 0 and above those of the start, below 0 the newcomers. */
  function itemAt(rank: number, list: ListName, index: number): Item {
    if (index < 0) return newcomersOf(rank, list)[-index - 1] as Item;
    // A stride without a common divisor with the number of users visits every user once.
    const stride = 10 * ((rank * 7919 + SALTS[list] * 104_729) % 997) + 3;
    const member = (rank * 31 + SALTS[list] * 1009 + (index + 1) * stride) % USERS;
    return { rank: member, followedAtSeconds: FIRST_FOLLOW_SECONDS + (sizeOf(rank, list) - index) * 600 };
  }

  function add(rank: number, list: ListName, member: number): void {
    const items = [...newcomersOf(rank, list), { rank: member, followedAtSeconds: Math.floor(Date.now() / 1000) }];
    newcomers.set(`${rank} ${list}`, items);
  }

  return {
    counts(rank: number): Counts {
      const [fans, follows, mutuals] = [countOf(rank, 'fans'), countOf(rank, 'follows'), countOf(rank, 'mutuals')];
      return { fans, follows, mutuals };
    },
    /** Up to `size` members from a cursor on ('' is the beginning), and the cursor behind them ('' at the end). */
    page(rank: number, list: ListName, cursor: string, size: number) {
      const from = cursor === '' ? -newcomersOf(rank, list).length : Number(cursor.slice(1));
      const to = Math.min(from + size, sizeOf(rank, list));
      const items = Array.from({ length: Math.max(0, to - from) }, (_, n) => itemAt(rank, list, from + n));
      return { items, next: to < sizeOf(rank, list) ? `i${to}` : '' };
    },
    follow(follower: number, followee: number): void {
      follows.add(`${follower} ${followee}`);
      add(followee, 'fans', follower);
      add(follower, 'follows', followee);
    },
    isFollowing: (follower: number, followee: number): boolean => follows.has(`${follower} ${followee}`),
  };
}
