// The visibility of lists: the whole table, by every way to a list and to what happens to it.
import { expect, test } from 'vitest';
import type { FollowList } from '../../src/follow/model.ts';
import { type EventStream, subscribe } from '../support/event-stream.ts';
import type { Answer } from '../support/gateway.ts';
import { asViewer, at, change, codesOf, openWorld, userWays } from './world.ts';

const LISTS: readonly FollowList[] = ['fans', 'follows', 'mutuals'];
/** Of anna's lists, by the setting; olga is somebody else. */
const MAY: Record<'public' | 'authenticated' | 'self', (string | null)[]> = {
  public: [null, 'olga', 'anna'],
  authenticated: ['olga', 'anna'],
  self: ['anna'],
};
/** All that tells of a list. */
const FIELDS: Record<FollowList, string[]> = {
  fans: [
    ...['fans { nodes { id } }', 'fans { totalCount }', 'fans(matching: "a") { nodes { id } }'],
    ...['newFans(since: "2001-01-01T00:00:00Z") { count }', 'knownFans { count }'],
  ],
  follows: ['follows { nodes { id } }', 'follows { totalCount }', 'follows(last: 3) { nodes { id } }'],
  mutuals: ['mutuals { nodes { id } }', 'mutuals { totalCount }', 'mutuals(orderBy: NICK_ASC) { nodes { id } }'],
};
const EVENTS = 'subscription ($of: ID!) { followEvents(userId: $of) { __typename } }';

const openMutuals = (LIST_VISIBILITY: string) =>
  openWorld({
    people: ['anna', 'bert', 'cleo', 'olga'],
    follows: ['anna bert', 'bert anna'],
    env: { LIST_VISIBILITY, MAX_UPSTREAM_CALLS: '1000' },
  });

const CASES = LISTS.flatMap((list) => Object.entries(MAY).map(([setting, may]) => [list, setting, may] as const));

test.each(CASES)('%s that are %s are open to whom they should, by every way to them', async (list, setting, may) => {
  const gateway = await openMutuals(`${list}=${setting}`);
  const fields = FIELDS[list].map((field, n) => `l${n}: ${field}`);
  for (const [way, query, path] of userWays('anna', 'bert', `id ${fields.join(' ')}`)) {
    // Bert's own list of that name is not open either.
    if (`${way}s` === list) continue;
    for (const who of MAY.public) {
      const answer = await (who ? gateway.as(who) : gateway).query(query);
      const isOpen = may.includes(who);
      const shown = fields.map((field, n) => {
        // An anonymous viewer knows nobody.
        const isNull = !isOpen || (!who && field.includes('knownFans'));
        return [`l${n}`, isNull ? null : expect.anything()] as const;
      });
      const codes = isOpen ? undefined : fields.map((_, n) => expect.stringContaining(` l${n} FORBIDDEN`));
      const expected = [{ id: 'anna', ...Object.fromEntries(shown) }, codes];
      expect([at(answer.data, path), codesOf(answer)], `${way}, ${who}`).toEqual(expected);
    }
  }
});

test.each(LISTS)('%s that are hidden stay hidden in the answer of a mutation, and in an event', async (list) => {
  const gateway = await openMutuals(`${list}=self${list === 'fans' ? ',follows=public' : ''}`);
  const selection = `id list: ${list} { nodes { id } }`;
  const subscription = `subscription { followEvents(userId: "olga") { ... on FanGained { user { ${selection} } } } }`;
  const stream = await subscribe(gateway, subscription, {}, asViewer('olga'));
  const done = await gateway.as('olga').query(
    `mutation { followUsers(input: { userIds: ["anna"] }) {
      results { ... on FollowChanged { user { ${selection} } } } viewer { list: ${list} { nodes { id } } }
    } }`,
  );
  const hidden = { user: { id: 'anna', list: null } };
  expect(done.data).toEqual({ followUsers: { results: [hidden], viewer: { list: expect.anything() } } });
  expect(codesOf(done)).toEqual(['followUsers results 0 user list FORBIDDEN']);
  await change(gateway, 'followUsers', 'anna', ['olga']);
  const told = await stream.answer<Answer>();
  expect([told.data, codesOf(told)]).toEqual([{ followEvents: hidden }, ['followEvents user list FORBIDDEN']]);
});

test.each(Object.entries(MAY))('what happens to fans that are %s is told to %j alone', async (setting, may) => {
  const gateway = await openMutuals(`fans=${setting}`);
  const listen = (who: string | null) => subscribe(gateway, EVENTS, { of: 'anna' }, asViewer(who));
  const streams = await Promise.all(MAY.public.map(listen));
  await change(gateway, 'followUsers', 'olga', ['anna']);
  const answers = await Promise.all(streams.map((stream) => stream.answer<Answer>()));
  const told = answers.map((answer) => codesOf(answer) ?? at(answer.data, 'followEvents.__typename'));
  expect(told).toEqual(MAY.public.map((who) => (may.includes(who) ? 'FanGained' : ['followEvents FORBIDDEN'])));
});

test('a subscriber who may not see the mutuals is told of fans alone', async () => {
  const gateway = await openMutuals('fans=public,follows=public,mutuals=self');
  const listen = (who: string | null) => subscribe(gateway, EVENTS, { of: 'anna' }, asViewer(who));
  const [other, self] = [await listen(null), await listen('anna')];
  await change(gateway, 'followUsers', 'anna', ['olga']);
  await change(gateway, 'unfollowUsers', 'bert', ['anna']);
  for (const fan of ['bert', 'olga']) await change(gateway, 'followUsers', fan, ['anna']);
  await change(gateway, 'unfollowUsers', 'anna', ['bert']);
  await change(gateway, 'followUsers', 'anna', ['bert']);
  await change(gateway, 'followUsers', 'cleo', ['anna']);
  const told = async (stream: EventStream, count: number) =>
    (await stream.events<{ __typename: string }>(count)).map(({ __typename }) => __typename);
  expect(await told(other, 4)).toEqual(['FanLost', 'FanGained', 'FanGained', 'FanGained']);
  const mutuals = ['FanLost', 'FanGained', 'MutualGained', 'FanGained', 'MutualGained', 'MutualGained', 'FanGained'];
  expect(await told(self, 7)).toEqual(mutuals);
});

test('a list that may not be seen costs no call, and counts, which are no lists, can be seen', async () => {
  const gateway = await openMutuals('self');
  const lists =
    '{ user(id: "anna") { fans { totalCount nodes { id } } follows(last: 3) { nodes { id } } knownFans { count } } }';
  for (const who of [gateway, gateway.as('olga')]) await who.query(lists);
  expect(gateway.sandbox.calls.summary()).toEqual({});
  expect(await gateway.data('{ user(id: "anna") { fansCount followsCount mutualsCount } }')).toEqual({
    user: { fansCount: 1, followsCount: 1, mutualsCount: 1 },
  });
});

test('a viewer who may not see a user’s lists cannot find out about their members one by one', async () => {
  const gateway = await openMutuals('fans=self');
  const ask = (as: string) => gateway.as(as).query('{ user(id: "anna") { relationTo(userId: "bert") } }');
  expect(codesOf(await ask('olga'))).toEqual(['user relationTo FORBIDDEN']);
  for (const one of ['anna', 'bert']) expect(await ask(one)).toEqual({ data: { user: { relationTo: 'MUTUAL' } } });
});

test('a team’s own rule takes the place of the setting', async () => {
  const gateway = await openWorld({
    env: { LIST_VISIBILITY: 'self' },
    maySee: (viewer, owner) => viewer?.userId === 'cleo' && owner !== 'bert',
  });
  for (const [viewer, owner, codes] of [
    ['cleo', 'anna', undefined],
    ['cleo', 'bert', ['user fans FORBIDDEN']],
    ['anna', 'anna', ['user fans FORBIDDEN']],
  ] as const)
    expect(codesOf(await gateway.as(viewer).query(`{ user(id: "${owner}") { fans { nodes { id } } } }`))).toEqual(
      codes,
    );
});
