// The visibility of lists: the whole table, by every way to a list.
import { expect, test } from 'vitest';
import type { FollowList } from '../../src/follow/model.ts';
import { subscribe } from '../support/event-stream.ts';
import { type Answer, openGateway } from '../support/gateway.ts';

const LISTS: readonly FollowList[] = ['fans', 'follows', 'mutuals'];
const WHO = { anonymous: null, other: 'olga', self: 'anna' } as const;
const MAY = {
  public: { anonymous: true, other: true, self: true },
  authenticated: { anonymous: false, other: true, self: true },
  self: { anonymous: false, other: false, self: true },
} as const;

/** Ways to a list of anna, and where its answer is. */
const WAYS: Record<string, { query(list: FollowList): string; path: (string | number)[] }> = {
  user: { query: (list) => `{ user(id: "anna") { id list: ${list} { nodes { id } } } }`, path: ['user'] },
  users: { query: (list) => `{ users(ids: ["anna"]) { id list: ${list} { nodes { id } } } }`, path: ['users', 0] },
  node: {
    query: (list) => `{ node(id: "anna") { id ... on User { list: ${list} { nodes { id } } } } }`,
    path: ['node'],
  },
  nodes: {
    query: (list) => `{ nodes(ids: ["anna"]) { id ... on User { list: ${list} { nodes { id } } } } }`,
    path: ['nodes', 0],
  },
  'the total of the list': {
    query: (list) => `{ user(id: "anna") { id list: ${list} { totalCount } } }`,
    path: ['user'],
  },
  // Bert is not anna, so his own list must be open for this way: it is the only one that the setting leaves public.
  'a nested edge': {
    query: (list) => `{ user(id: "bert") { ${viaOf(list)} { nodes { id list: ${list} { nodes { id } } } } } }`,
    path: ['user', 'via', 'nodes', 0],
  },
};
const viaOf = (list: FollowList) => `via: ${list === 'fans' ? 'follows' : 'fans'}`;

const at = (data: unknown, path: readonly (string | number)[]): unknown =>
  path.reduce((value, key) => (value as Record<string | number, unknown> | null)?.[key], data);

async function openWorld(visibility: string) {
  const gateway = await openGateway({
    env: { AUTH: 'development', LIST_VISIBILITY: visibility },
    sandbox: { emptyWorld: true },
  });
  const { world } = gateway.sandbox;
  for (const id of ['anna', 'bert', 'olga']) world.importAccount(id);
  world.follow('anna', 'bert');
  world.follow('bert', 'anna');
  return gateway;
}

const refusals = ({ errors }: Answer) => errors?.map(({ path, extensions }) => [path?.at(-1), extensions.code]);

const CASES = LISTS.flatMap((list) =>
  (Object.keys(MAY) as (keyof typeof MAY)[]).map((setting) => [list, setting] as const),
);

test.each(CASES)('%s that are %s are open to whom they should, by every way to them', async (list, setting) => {
  const gateway = await openWorld(`${list}=${setting}`);
  for (const [way, { query, path }] of Object.entries(WAYS)) {
    for (const who of Object.keys(WHO) as (keyof typeof WHO)[]) {
      const { data, errors }: Answer = await (WHO[who] ? gateway.as(WHO[who]) : gateway).query(query(list));
      const user = at(data, path) as { id: string; list: unknown };
      const refused = MAY[setting][who] ? undefined : [['list', 'FORBIDDEN']];
      expect({ way, who, id: user.id, isNull: user.list === null, refused: refusals({ errors }) }).toEqual({
        ...{ way, who, id: 'anna', isNull: refused !== undefined, refused },
      });
    }
  }
});

test.each(LISTS)('%s that are hidden stay hidden in the answer of a mutation', async (list) => {
  const gateway = await openWorld(`${list}=self`);
  const answer = await gateway.as('olga').query(
    `mutation { followUsers(input: { userIds: ["anna"] }) {
      results { ... on FollowChanged { user { id list: ${list} { nodes { id } } } } }
      viewer { list: ${list} { nodes { id } } }
    } }`,
  );
  expect(answer.data).toMatchObject({ followUsers: { results: [{ user: { id: 'anna', list: null } }] } });
  expect(answer.data).not.toMatchObject({ followUsers: { viewer: { list: null } } });
  expect(refusals(answer)).toEqual([['list', 'FORBIDDEN']]);
});

test.each(LISTS)('%s that are hidden stay hidden in an event', async (list) => {
  const gateway = await openWorld(`${list}=self${list === 'fans' ? ',follows=public' : ''}`);
  const subscription = `subscription { followEvents(userId: "olga") { ... on FanGained { user { id list: ${list} { nodes { id } } } } } }`;
  const stream = await subscribe(gateway, subscription, {}, { 'x-viewer-id': 'olga' });
  await gateway.as('anna').data('mutation { followUsers(input: { userIds: ["olga"] }) { results { __typename } } }');
  const answer = await stream.answer<Answer>();
  expect(answer.data).toEqual({ followEvents: { user: { id: 'anna', list: null } } });
  expect(refusals(answer)).toEqual([['list', 'FORBIDDEN']]);
});

test('a list that may not be seen costs no call', async () => {
  const gateway = await openWorld('self');
  await gateway.as('olga').query('{ user(id: "anna") { fans { totalCount nodes { id } } follows { nodes { id } } } }');
  expect(gateway.sandbox.calls.summary()).toEqual({});
});

test('counts are no lists: they can be seen whatever the setting', async () => {
  const gateway = await openWorld('self');
  expect(await gateway.data('{ user(id: "anna") { fansCount followsCount mutualsCount } }')).toEqual({
    user: { fansCount: 1, followsCount: 1, mutualsCount: 1 },
  });
});

test('a viewer who may not see a user’s lists cannot find out about their members one by one', async () => {
  const gateway = await openWorld('fans=self');
  const ask = (as: string) => gateway.as(as).query('{ user(id: "anna") { relationTo(userId: "bert") } }');
  expect((await ask('olga')).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  expect(await ask('anna')).toEqual({ data: { user: { relationTo: 'MUTUAL' } } });
  expect(await ask('bert')).toEqual({ data: { user: { relationTo: 'MUTUAL' } } });
});

test('a team’s own rule takes the place of the setting', async () => {
  const gateway = await openGateway({
    env: { AUTH: 'development', LIST_VISIBILITY: 'self' },
    maySee: (viewer, owner) => viewer?.userId === 'olga' && owner !== 'bert',
    sandbox: { emptyWorld: true },
  });
  for (const id of ['anna', 'bert', 'olga']) gateway.sandbox.world.importAccount(id);
  const ask = (as: string, owner: string) => gateway.as(as).query(`{ user(id: "${owner}") { fans { nodes { id } } } }`);
  expect((await ask('olga', 'anna')).errors).toBeUndefined();
  expect((await ask('olga', 'bert')).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  expect((await ask('anna', 'anna')).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
});
