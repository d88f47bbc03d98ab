// How many upstream calls a screen costs.
import { expect, test } from 'vitest';
import type { FaultPatch } from '../../src/sandbox/faults.ts';
import { callCounts } from '../support/gateway.ts';
import { NO_PROFILE_ITEM } from '../support/sandbox.ts';
import { at, openWorld, type WorldOptions } from './world.ts';

const IDS = Array.from({ length: 250 }, (_, n) => `crowd_${String(n + 1).padStart(6, '0')}`);
const aliases = (count: number, selection: string) =>
  `{ ${IDS.slice(0, count)
    .map((id, i) => `u${i}: user(id: "${id}") { ${selection} }`)
    .join('\n')} }`;

async function openCrowd(count: number, env: WorldOptions['env'] = {}) {
  const gateway = await openWorld({ people: [], env });
  gateway.world.addFans('star', count);
  return gateway;
}

const PROFILES = { MAX_ALIASES: '250', MAX_TOKENS: '5000' };

const star = (selection: string) => `{ user(id: "star") { ${selection} } }`;

test.each<[string, string, Record<string, number>, shown?: [text: string, times: number]]>([
  [
    '100 edges with nick, avatar and follow time',
    star('fans(first: 100) { edges { followedAt node { id nick avatar } } }'),
    { follow_get: 1 },
    ['"nick":"Crowd', 100],
  ],
  ['250 users’ names by aliases', aliases(250, 'nick'), { portrait_get: 3 }, ['"nick":"Crowd', 250]],
  [
    'three counts of 45 users',
    aliases(45, 'fansCount followsCount mutualsCount'),
    { follow_get_info: 3 },
    ['{"fansCount":0,"followsCount":1,"mutualsCount":0}', 45],
  ],
  [
    'a list, its total and its user’s counts',
    star('fansCount fans(first: 5) { totalCount nodes { id } } follows { totalCount }'),
    { follow_get: 1, follow_get_info: 1 },
    [':250', 2],
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
])('%s cost no more than needed', async (_title, query, calls, [text, times] = ['', 0]) => {
  const gateway = await openCrowd(250, PROFILES);
  const data = await gateway.data(query);
  expect(callCounts(gateway)).toEqual(calls);
  if (text) expect(JSON.stringify(data).split(text)).toHaveLength(times + 1);
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
