// What an operation may cost is known before it runs, and what costs too much does not run.
import { expect, test } from 'vitest';
import { post } from '../http/requests.ts';
import { createHastyClock } from '../support/clock.ts';
import { type Answer, type HouseOptions, openHouse } from '../support/house.ts';

type Told = Answer & { extensions?: { cost?: { predictedCalls: number; actualCalls: number } } };

async function open(env: Record<string, string> = {}, sandbox: HouseOptions['sandbox'] = {}) {
  const clock = createHastyClock();
  const house = await openHouse({
    clock,
    env: { AUTH: 'development', ...env },
    sandbox: { clock, emptyWorld: true, ...sandbox },
  });
  const ask = async (
    query: string,
    variables = {},
    viewer = 'viewer',
    extensions: object = { cost: true },
  ): Promise<Told> => {
    const response = await post(
      house,
      JSON.stringify({ query, variables, extensions }),
      undefined,
      viewer ? { 'x-viewer-id': viewer } : {},
    );
    return (await response.json()) as Told;
  };
  return { ...house, house, ask };
}

const predictions: [title: string, query: string, calls: number, variables?: object][] = [
  ['a user alone', '{ user(id: "a") { id } }', 0],
  ['a page of fans with profiles', '{ user(id: "a") { fans(first: 100) { nodes { nick avatar } } } }', 1],
  ['a count', '{ user(id: "a") { fans { totalCount } } }', 1],
  ['the three counts, and a total', '{ user(id: "a") { fansCount followsCount mutualsCount fans { totalCount } } }', 1],
  ['a page and its total', '{ user(id: "a") { fans(first: 5) { totalCount nodes { id } } } }', 2],
  ['a page with the counts of its members', '{ user(id: "a") { fans(first: 45) { nodes { fansCount } } } }', 4],
  ['lists of lists', '{ user(id: "a") { fans(first: 20) { nodes { fans(first: 5) { nodes { nick } } } } } }', 21],
  [
    'lists in a list of variable length',
    'query ($n: Int) { user(id: "a") { fans(first: $n) { nodes { fans { nodes { id } } } } } }',
    8,
    { n: 7 },
  ],
  ['lists of the default length', '{ user(id: "a") { fans { nodes { fans { nodes { id } } } } } }', 21],
  [
    '250 users by alias',
    `{ ${Array.from({ length: 250 }, (_, i) => `u${i}: user(id: "u${i}") { nick }`).join(' ')} }`,
    3,
  ],
  [
    'one user by many aliases',
    '{ a: user(id: "a") { fansCount } b: user(id: "a") { followsCount } c: node(id: "a") { ... on User { mutualsCount } } }',
    1,
  ],
  ['one list by two names', '{ user(id: "a") { x: fans { nodes { id } } y: fans { edges { cursor } } } }', 1],
  [
    'relations of the viewer to the members of a page',
    '{ user(id: "a") { fans(first: 100) { nodes { viewerIsFollowing isFollowingViewer } } } }',
    2,
  ],
  [
    'relations from the point of view of each member',
    '{ user(id: "a") { fans(first: 10) { nodes { relationTo(userId: "b") } } } }',
    11,
  ],
  [
    'what is skipped',
    '{ user(id: "a") { id fans @skip(if: true) { nodes { id } } ...F @include(if: false) } } fragment F on User { fansCount }',
    0,
  ],
  [
    'what a variable leaves out',
    'query ($with: Boolean!) { user(id: "a") { id fans @include(if: $with) { nodes { id } } } }',
    0,
    { with: false },
  ],
  ['known fans', '{ user(id: "a") { knownFans(first: 3) { nodes { nick } } } }', 10],
  ['100 users', '{ users(ids: ["a", "b", "c"]) { nick fansCount } }', 2],
];

test.each(predictions)(
  '%s is predicted to cost what it costs at most',
  async (_title, query, calls, variables = {}) => {
    const { ask, sandbox } = await open();
    for (const id of ['a', 'b', 'c', 'viewer']) sandbox.world.importAccount(id);
    sandbox.world.addFans('a', 60);
    const { extensions, errors } = await ask(query, variables);
    expect(errors?.filter(({ extensions: { code } }) => code !== 'USER_NOT_FOUND') ?? []).toEqual([]);
    expect(extensions?.cost?.predictedCalls).toBe(calls);
    expect(extensions?.cost?.actualCalls).toBe(sandbox.calls.count());
    expect(sandbox.calls.count()).toBeLessThanOrEqual(calls);
  },
);
