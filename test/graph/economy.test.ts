// How many upstream calls a screen costs.
import { expect, test } from 'vitest';
import type { FaultPatch } from '../../src/sandbox/faults.ts';
import { callCounts } from '../support/gateway.ts';
import { NO_PROFILE_ITEM } from '../support/sandbox.ts';
import { at, openWorld, type WorldOptions } from './world.ts';

const IDS = Array.from({ length: 250 }, (_, n) => `crowd_${String(n + 1).padStart(6, '0')}`);
const aliases = (count: number, selection: string, ids = IDS) =>
  `{ ${ids
    .slice(0, count)
    .map((id, i) => `u${i}: user(id: "${id}") { ${selection} }`)
    .join('\n')} }`;

async function openCrowd(count: number, env: WorldOptions['env'] = {}) {
  const gateway = await openWorld({ people: ['me'], env });
  gateway.world.addFans('star', count);
  return gateway;
}

const star = (selection: string) => `{ user(id: "star") { ${selection} } }`;
const entities = (selection: string) =>
  `{ _entities(representations: [${IDS.slice(0, 100).map((id) => `{ __typename: "User", id: "${id}" }`)}]) {
    ... on User { ${selection} } } }`;
const STATE = 'viewerIsFollowing isFollowingViewer viewerCanFollow';
const NEWEST = IDS.toReversed();

/** What a viewer asks of a star with 250 fans, what it costs, and how often a text stands in the answer. */
test.each<[string, string, Record<string, number>, shown?: Record<string, number>]>([
  [
    '100 edges with nick, avatar and follow time',
    star('fans(first: 100) { edges { followedAt node { id nick avatar } } }'),
    { follow_get: 1 },
    { '"nick":"Crowd': 100 },
  ],
  ['250 users’ names by aliases', aliases(250, 'nick'), { portrait_get: 3 }, { '"nick":"Crowd': 250 }],
  [
    'three counts of 45 users',
    aliases(45, 'fansCount followsCount mutualsCount'),
    { follow_get_info: 3 },
    { '{"fansCount":0,"followsCount":1,"mutualsCount":0}': 45 },
  ],
  [
    'a list, its total and its user’s counts',
    star('fansCount fans(first: 5) { totalCount nodes { id } } follows { totalCount }'),
    { follow_get: 1, follow_get_info: 1 },
    { ':250': 2 },
  ],
  ['ids alone', '{ users(ids: ["a", "b"]) { id } node(id: "c") { __typename id } }', {}],
  ['a total alone', star('fans { totalCount }'), { follow_get_info: 1 }],
  [
    'a total behind fragments',
    `${star('fans { ...T ... { __typename } }')} fragment T on FollowConnection { totalCount }`,
    { follow_get_info: 1 },
  ],
  ['counts of list members', star('fans(first: 40) { nodes { followsCount } }'), { follow_get: 1, follow_get_info: 2 }],
  [
    'a profile asked for three times',
    '{ a: user(id: "star") { nick } b: user(id: "star") { avatar customFields { key } } node(id: "star") { ... on User { level } } }',
    { portrait_get: 1 },
  ],
  [
    'the same list asked for three times at once',
    '{ a: user(id: "star") { fans(first: 1) { nodes { id } } } b: user(id: "star") { fans(first: 50) { nodes { id } } } c: user(id: "star") { fans { pageInfo { hasNextPage } } } }',
    { follow_get: 1 },
  ],
  [
    '100 edges with the viewer’s state',
    star(`fans(first: 100) { edges { node { id ${STATE} } } }`),
    { follow_get: 1, follow_check: 1 },
    {
      [`"${NEWEST[0]}","viewerIsFollowing":true,"isFollowingViewer":true,"viewerCanFollow":false`]: 1,
      [`"${NEWEST[1]}","viewerIsFollowing":false,"isFollowingViewer":true,"viewerCanFollow":true`]: 1,
    },
  ],
  [
    '100 edges with their relation, block state and presence',
    star('fans(first: 100) { edges { node { viewerIsFollowing viewerHasBlocked presence { status } } } }'),
    { follow_get: 1, follow_check: 1, black_list_check: 1, query_online_status: 1 },
  ],
  [
    'relations from one user to 45',
    `{ ${NEWEST.slice(0, 45).map((id, i) => `u${i}: user(id: "me") { relationTo(userId: "${id}") }`)} }`,
    { follow_check: 1 },
    { '"u0":{"relationTo":"MUTUAL"}': 1, '"u1":{"relationTo":"FAN"}': 1, NONE: 43 },
  ],
  [
    'relations from 45 users to the viewer',
    aliases(45, 'relationTo(userId: "me")', NEWEST),
    { follow_check: 1 },
    { '"u0":{"relationTo":"MUTUAL"}': 1, '"u1":{"relationTo":"FOLLOWING"}': 1, NONE: 43 },
  ],
  ['names of 100 entities', entities('nick avatar'), { portrait_get: 1 }, { '"nick":"Crowd': 100 }],
  ['counts of 100 entities', entities('fansCount followsCount'), { follow_get_info: 5 }],
  ['names and counts of 100 entities', entities('nick fansCount'), { portrait_get: 1, follow_get_info: 5 }],
  ['relations of 100 entities', entities('viewerIsFollowing isFollowingViewer'), { follow_check: 1 }],
])('%s cost no more than needed', async (_title, query, calls, shown = {}) => {
  const gateway = await openCrowd(250, { MAX_ALIASES: '250', MAX_TOKENS: '5000' });
  const [mutual = '', fan = ''] = NEWEST;
  gateway.world.follow('me', mutual);
  for (const id of [mutual, fan]) gateway.world.follow(id, 'me');
  const answer = JSON.stringify(await gateway.as('me').data(query));
  expect(callCounts(gateway)).toEqual(calls);
  for (const [text, times] of Object.entries(shown)) expect(answer.split(text), text).toHaveLength(times + 1);
});

test('five pages of 20 cost one call within the life of a chunk, and one renewal after it', async () => {
  const gateway = await openCrowd(150);
  const query =
    'query ($after: String) { user(id: "star") { fans(first: 20, after: $after) { nodes { nick } pageInfo { endCursor } } } }';
  const walk = async () => {
    for (let page = 0, after: string | null = null; page < 5; page++)
      after = at(await gateway.data(query, { after }), 'user.fans.pageInfo.endCursor');
  };
  for (const [seconds, walks, calls] of [
    [0, 1, 1],
    [26, 1, 1],
    [4, 2, 2],
  ] as const) {
    gateway.clock.advance(seconds * 1000);
    for (let n = 0; n < walks; n++) await walk();
    expect(callCounts(gateway)).toEqual({ follow_get: calls });
  }
});

const NICKS = star('fans(first: 40) { nodes { nick level } }');

test.each<[string, Record<string, string>, FaultPatch]>([
  ['came without profiles', {}, { rewrite: { ...NO_PROFILE_ITEM, commands: ['follow_get'] } }],
  ['came with a part of them (EMBEDDED_PROFILE=partial)', { EMBEDDED_PROFILE: 'partial' }, {}],
])('pages that %s are filled by one portrait_get', async (_title, env, faults) => {
  const gateway = await openCrowd(45, env);
  gateway.faults.set(faults);
  const crowd = Array(40).fill({ nick: expect.stringMatching(/^Crowd/), level: null });
  expect(at(await gateway.data(NICKS), 'user.fans.nodes')).toEqual(crowd);
  expect(callCounts(gateway)).toEqual({ follow_get: 1, portrait_get: 1 });
});
