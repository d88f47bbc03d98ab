// An operation's highest cost is known before it runs: one that costs too much does not run, and none takes more.
import { expect, test } from 'vitest';
import { openWorld } from '../graph/world.ts';
import { codesOf, post } from '../http/requests.ts';
import { subscribe } from '../support/event-stream.ts';
import type { Answer } from '../support/gateway.ts';

async function open(env: Record<string, string> = {}) {
  const gateway = await openWorld({ people: ['a', 'b', 'c', 'viewer'], env: { USER_SEARCH: 'on', ...env } });
  gateway.world.addFans('a', 60);
  const ask = (query: string, variables = {}) => gateway.as('viewer').query(query, variables);
  return { ...gateway, gateway, ask };
}

const ofA = (selection: string) => `{ user(id: "a") { ${selection} } }`;
const BY_NUMBER = `query ($n: Int) ${ofA('fans(first: $n) { nodes { fans { nodes { id } } } }')}`;
const CROWD = Array.from({ length: 20 }, (_, n) => `crowd_${String(n + 1).padStart(6, '0')}`);
const changeOf = (field: string) =>
  `mutation ($ids: [ID!]!) { ${field}(input: { userIds: $ids }) { results { __typename } } }`;
const predictions: [title: string, calls: number, query: string, variables?: object][] = [
  ['a user alone', 1, ofA('id __typename')],
  ['a page of fans with profiles', 2, ofA('fans(first: 100) { nodes { nick avatar } }')],
  ['the three counts', 1, ofA('fansCount followsCount mutualsCount')],
  ['a page with the counts of its members', 4, ofA('fans(first: 40) { nodes { fansCount } }')],
  ['lists of lists', 22, ofA('fans(first: 20) { nodes { fans(first: 5) { nodes { nick } } } }')],
  ['lists of the default length', 22, ofA('fans { nodes { fans { nodes { id } } } }')],
  ['lists in a list of variable length', 9, BY_NUMBER, { n: 7 }],
  ['what metadata is asked for', 2, ofA('fans(first: 100) { __typename nodes { __typename } }')],
  ['relations of the viewer', 4, ofA('fans(first: 100) { nodes { viewerIsFollowing isFollowingViewer } }')],
  ['relations from each member’s view', 12, ofA('fans(first: 10) { nodes { relationTo(userId: "b") } }')],
  ['known fans', 11, ofA('knownFans(first: 3) { nodes { nick } }')],
  ['the counts of three users', 1, '{ users(ids: ["a", "b", "c"]) { fansCount } }'],
  ['a list from its end', 6, ofA('follows(last: 3) { nodes { id } }')],
  ['a search of fans', 11, ofA('fans(matching: "a") { nodes { id } }')],
  ['a search of all people', 50, '{ searchUsers(text: "a") { edges { cursor } } }'],
  ['blocks of 20 users', 22, changeOf('blockUsers'), { ids: CROWD }],
  ['the end of 20 blocks', 2, changeOf('unblockUsers'), { ids: CROWD }],
  ['the removal of 20 fans', 24, changeOf('removeFans'), { ids: CROWD }],
];

test.each(predictions)(
  '%s: refused where fewer than its %i calls are allowed',
  async (_title, calls, query, variables = {}) => {
    const enough = await open({ MAX_UPSTREAM_CALLS: String(calls) });
    expect((await enough.ask(query, variables)).errors).toBeUndefined();
    expect(enough.sandbox.calls.count()).toBeLessThanOrEqual(calls);
    if (calls === 1) return;

    const { ask, sandbox } = await open({ MAX_UPSTREAM_CALLS: String(calls - 1) });
    const { data, errors } = await ask(query, variables);
    expect(data).toBeUndefined();
    expect(errors).toMatchObject([{ extensions: { code: 'OPERATION_TOO_EXPENSIVE' } }]);
    expect(errors?.[0]?.message).toContain(`may take ${calls} calls to the upstream; ${calls - 1} are allowed`);
    expect(sandbox.calls.count()).toBe(0);
  },
);

test.each(['blockedUsers', 'suggestions'])(
  '%s with a page size below 0 makes nothing beside it cheaper',
  async (field) => {
    const { ask, sandbox } = await open({ MAX_UPSTREAM_CALLS: '15' });
    const lists = 'user(id: "a") { fans(first: 20) { nodes { fans(first: 5) { nodes { nick } } } } }';
    expect(codesOf(await ask(`{ ${field}(first: -1000000) { __typename } ${lists} }`))).toEqual([
      'OPERATION_TOO_EXPENSIVE',
    ]);
    expect(sandbox.calls.count()).toBe(0);
  },
);

test.each(['n', '__proto__', 'constructor', 'toJSON'])(
  'an operation that was allowed is judged again with other variables, also with one named %s',
  async (name) => {
    const { ask } = await open({ MAX_UPSTREAM_CALLS: '9' });
    const fans = `query ($id: ID!, $${name}: Int = 30) {
    user(id: $id) { fans(first: $${name}) { nodes { fans { nodes { id } } } } } }`;
    const several = `query ($${name}: [ID!]!) { users(ids: $${name}) { fans { totalCount nodes { id } } } }`;
    const codes: unknown[] = [];
    for (const n of [7, 8, 7, undefined, null, 6])
      codes.push(codesOf(await ask(fans, { id: 'a', ...(n !== undefined && { [name]: n }) }))[0]);
    for (const ids of [['a'], Array(10).fill('a'), ['b']]) codes.push(codesOf(await ask(several, { [name]: ids }))[0]);
    const [allowed, refused] = [undefined, 'OPERATION_TOO_EXPENSIVE'];
    expect(codes).toEqual([allowed, refused, allowed, refused, refused, allowed, allowed, refused, allowed]);
    expect(codesOf(await ask(fans, { id: ['a'], [name]: 7 }))).toEqual(['BAD_USER_INPUT']);
  },
);

test('an operation that takes more than was predicted ends at what is allowed, and keeps what it has', async () => {
  // Every page is answered with one member, so that a page of the client's takes many of the upstream's.
  const { gateway, sandbox } = await open({ MAX_UPSTREAM_CALLS: '5' });
  sandbox.faults.set({ shortPages: { keep: 1 } });
  const accept = 'application/graphql-response+json';
  const response = await gateway.send('{ user(id: "a") { id fans(first: 20) { nodes { id } } } }', {}, { accept });
  const { data, errors } = (await response.json()) as Answer;
  // What has data must not have the status of an error (GraphQL over HTTP, 6.4.2).
  expect(response.status).toBe(200);
  expect(data).toEqual({ user: { id: 'a', fans: null } });
  expect(errors).toMatchObject([{ path: ['user', 'fans'], extensions: { code: 'OPERATION_TOO_EXPENSIVE' } }]);
  expect(sandbox.calls.count()).toBe(5);
});

test('what is asked for others at the same time does not count against an operation', async () => {
  const { gateway } = await open({ MAX_UPSTREAM_CALLS: '5' });
  const relation = ofA('viewerIsFollowing viewerHasBlocked');
  const answers = await Promise.all(CROWD.map((viewer) => gateway.as(viewer).query(relation)));
  const data = { user: { viewerIsFollowing: true, viewerHasBlocked: false } };
  expect(answers).toEqual(CROWD.map(() => ({ data })));
});

test('events hold as much as they were priced by, also with a variable named __proto__', async () => {
  const { gateway } = await open();
  const events = `subscription ($__proto__: Int) {
    followEvents(userId: "b") { ... on FanGained { owner { id } user { fans(first: $__proto__) { nodes { id } } } } } }`;
  const stream = await subscribe(gateway, events, { ['__proto__']: 1 });
  await gateway.as('a').data('mutation { followUsers(input: { userIds: ["b"] }) { viewer { id } } }');
  const user = { fans: { nodes: [{ id: expect.any(String) }] } };
  expect(await stream.answer()).toEqual({ data: { followEvents: { owner: { id: 'b' }, user } } });
});

test('of several operations in a document only the one that runs is priced', async () => {
  const { gateway } = await open({ MAX_UPSTREAM_CALLS: '5' });
  const query = `query Little { user(id: "a") { ...F } } query Much { user(id: "a") { fans { nodes { ...F } } } }
    fragment F on User { follows { nodes { id } } }`;
  const send = (operationName: string) => post(gateway, JSON.stringify({ query, operationName }));
  expect((await send('Little')).status).toBe(200);
  const refused = await send('Much');
  expect([refused.status, codesOf((await refused.json()) as Answer)]).toEqual([400, ['OPERATION_TOO_EXPENSIVE']]);
});
