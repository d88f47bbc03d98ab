// The visibility of lists: the whole table, by every way to a list.
import { expect, test } from 'vitest';
import type { FollowList } from '../../src/follow/model.ts';
import { subscribe } from '../support/event-stream.ts';
import type { Answer } from '../support/gateway.ts';
import { asViewer, at, codesOf, openWorld, userWays } from './world.ts';

const LISTS: readonly FollowList[] = ['fans', 'follows', 'mutuals'];
/** Of anna's lists, by the setting; olga is somebody else. */
const MAY: Record<'public' | 'authenticated' | 'self', (string | null)[]> = {
  public: [null, 'olga', 'anna'],
  authenticated: ['olga', 'anna'],
  self: ['anna'],
};

const openMutuals = (LIST_VISIBILITY: string) =>
  openWorld({ people: ['anna', 'bert', 'olga'], follows: ['anna bert', 'bert anna'], env: { LIST_VISIBILITY } });

const CASES = LISTS.flatMap((list) => Object.entries(MAY).map(([setting, may]) => [list, setting, may] as const));

test.each(CASES)('%s that are %s are open to whom they should, by every way to them', async (list, setting, may) => {
  const gateway = await openMutuals(`${list}=${setting}`);
  for (const members of ['nodes { id }', 'totalCount'])
    for (const [way, query, path] of userWays('anna', 'bert', `id list: ${list} { ${members} }`)) {
      // Bert's own list of that name is not open either.
      if (`${way}s` === list) continue;
      for (const who of MAY.public) {
        const answer = await (who ? gateway.as(who) : gateway).query(query);
        const codes = may.includes(who) ? undefined : [expect.stringMatching(/ list FORBIDDEN$/)];
        const user = { id: 'anna', list: codes ? null : expect.anything() };
        expect([at(answer.data, path), codesOf(answer)], `${way}, ${who}`).toEqual([user, codes]);
      }
    }
});

test.each(LISTS)('%s that are hidden stay hidden in the answer of a mutation', async (list) => {
  const gateway = await openMutuals(`${list}=self`);
  const answer = await gateway.as('olga').query(
    `mutation { followUsers(input: { userIds: ["anna"] }) {
      results { ... on FollowChanged { user { id list: ${list} { nodes { id } } } } }
      viewer { list: ${list} { nodes { id } } }
    } }`,
  );
  expect(answer.data).toMatchObject({ followUsers: { results: [{ user: { id: 'anna', list: null } }] } });
  expect(answer.data).not.toMatchObject({ followUsers: { viewer: { list: null } } });
  expect(codesOf(answer)).toEqual(['followUsers results 0 user list FORBIDDEN']);
});

test.each(LISTS)('%s that are hidden stay hidden in an event', async (list) => {
  const gateway = await openMutuals(`${list}=self${list === 'fans' ? ',follows=public' : ''}`);
  const subscription = `subscription { followEvents(userId: "olga") { ... on FanGained { user { id list: ${list} { nodes { id } } } } } }`;
  const stream = await subscribe(gateway, subscription, {}, asViewer('olga'));
  await gateway.as('anna').data('mutation { followUsers(input: { userIds: ["olga"] }) { results { __typename } } }');
  const answer = await stream.answer<Answer>();
  expect(answer.data).toEqual({ followEvents: { user: { id: 'anna', list: null } } });
  expect(codesOf(answer)).toEqual(['followEvents user list FORBIDDEN']);
});

test('a list that may not be seen costs no call', async () => {
  const gateway = await openMutuals('self');
  await gateway.as('olga').query('{ user(id: "anna") { fans { totalCount nodes { id } } follows { nodes { id } } } }');
  expect(gateway.sandbox.calls.summary()).toEqual({});
});

test('counts are no lists: they can be seen whatever the setting', async () => {
  const gateway = await openMutuals('self');
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
    people: ['anna', 'bert', 'olga'],
    env: { LIST_VISIBILITY: 'self' },
    maySee: (viewer, owner) => viewer?.userId === 'olga' && owner !== 'bert',
  });
  for (const [viewer, owner, codes] of [
    ['olga', 'anna', undefined],
    ['olga', 'bert', ['user fans FORBIDDEN']],
    ['anna', 'anna', ['user fans FORBIDDEN']],
  ] as const)
    expect(codesOf(await gateway.as(viewer).query(`{ user(id: "${owner}") { fans { nodes { id } } } }`))).toEqual(
      codes,
    );
});
