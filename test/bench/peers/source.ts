// The upstream as the peers of the whole job ask it: what a competent team would write in a day. Batches through DataLoader,
// profiles shared from list pages for an hour when CACHE=on, and one more try when the upstream refuses for its limit.
import { setTimeout as delay } from 'node:timers/promises';
import DataLoader from 'dataloader';
import { LRUCache } from 'lru-cache';
import { Pool } from 'undici';
import type { Edge, Page, Person } from './pages.ts';
import type { ListName } from './schema.ts';

type WireProfile = { Tag: string; Value: string | number }[];
type WireItem = { To_Account: string; FollowTime: number; ProfileItem: WireProfile };
type WireCounts = { FollowerCount: number; FollowingCount: number; MutualFollowingCount: number };
type Answer = {
  ErrorCode: number;
  FollowItem: WireItem[];
  NextCursor: string;
  FollowInfo: WireCounts[];
  UserProfileItem: { To_Account: string; ProfileItem: WireProfile }[];
};

const OVER_LIMIT = 60007;
const FOLLOW_TYPES = { fans: 1, follows: 2, mutuals: 3 };
const TAGS = ['Tag_Profile_IM_Nick', 'Tag_Profile_IM_Image'];
const QUERY = 'sdkappid=1400000000&identifier=administrator&usersig=none&random=1&contenttype=json';
const headers = { 'content-type': 'application/json' };

const pool = new Pool(process.env.UPSTREAM ?? '', { connections: 128 });
const shared = new LRUCache<string, Person>({ max: 100_000, ttl: 3_600_000 });
const shares = process.env.CACHE === 'on';

async function call(path: string, body: object, isLastTry = false): Promise<Answer> {
  const answer = await pool.request({
    method: 'POST',
    path: `/v4/${path}?${QUERY}`,
    headers,
    body: JSON.stringify(body),
  });
  const parsed = (await answer.body.json()) as Answer;
  if (parsed.ErrorCode === OVER_LIMIT && !isLastTry) {
    await delay(200 + Math.random() * 300);
    return call(path, body, true);
  }
  if (parsed.ErrorCode !== 0) throw new Error(`${path} answered ${parsed.ErrorCode}`);
  return parsed;
}

function personOf(id: string, tags: WireProfile): Person {
  const textOf = (name: string) => tags.find(({ Tag }) => Tag === name)?.Value as string | undefined;
  return { id, nick: textOf('Tag_Profile_IM_Nick') ?? '', avatar: textOf('Tag_Profile_IM_Image') ?? null };
}

/** `want`: how many members the upstream is asked for; the cursor is the upstream's own, which names pages. */
export async function readPage(id: string, list: ListName, first: number, after: string, want = first): Promise<Page> {
  const asked = { From_Account: id, FollowType: FOLLOW_TYPES[list], StartCursor: after, WantNum: want };
  const { FollowItem: items, NextCursor: next } = await call('follow/follow_get', asked);
  const edges = items.slice(0, first).map((item, index): Edge => {
    const node = personOf(item.To_Account, item.ProfileItem);
    if (shares) shared.set(node.id, node);
    const followedAt = new Date(item.FollowTime * 1000).toISOString();
    return { cursor: index === items.length - 1 ? next : `${index}.${item.To_Account}`, followedAt, node };
  });
  return {
    edges,
    pageInfo: { hasNextPage: next !== '' || items.length > first, endCursor: edges.at(-1)?.cursor ?? null },
  };
}

/** The loaders of one request. */
export function createLoaders() {
  const profiles = new DataLoader<string, Person>(
    async (ids) => {
      const body = { To_Account: ids, TagList: TAGS };
      const { UserProfileItem: items } = await call('profile/portrait_get', body);
      const people = items.map((item) => personOf(item.To_Account, item.ProfileItem));
      if (shares) for (const person of people) shared.set(person.id, person);
      return people;
    },
    { maxBatchSize: 100 },
  );
  const counts = new DataLoader<string, Record<ListName, number>>(
    async (ids) => {
      const { FollowInfo: items } = await call('follow/follow_get_info', { From_Account: ids[0], To_Account: ids });
      return items.map((item) => ({
        fans: item.FollowerCount,
        follows: item.FollowingCount,
        mutuals: item.MutualFollowingCount,
      }));
    },
    { maxBatchSize: 20 },
  );
  return {
    profile: async (id: string): Promise<Person> => (shares && shared.get(id)) || profiles.load(id),
    counts: (id: string) => counts.load(id),
  };
}

export type Loaders = ReturnType<typeof createLoaders>;
