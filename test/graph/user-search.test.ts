// Finding people in all of the app, over HTTP.
import { expect, test } from 'vitest';
import { createRunningClock } from '../support/clock.ts';
import { callCounts, type TestGateway } from '../support/gateway.ts';
import { type Connection, idsOf } from '../support/walk.ts';
import { codesOf, openWorld, type WorldOptions } from './world.ts';

async function open(count: number, { env, ...options }: WorldOptions = {}) {
  const gateway = await openWorld({ people: [], env: { USER_SEARCH: 'on', ...env }, ...options });
  for (let n = 0; n < count; n++)
    gateway.world.importAccount(`p${String(n).padStart(3, '0')}`, {
      Tag_Profile_IM_Nick: `Person ${n} of ${n % 2 ? 'Oslo' : 'Rome'}`,
    });
  return gateway;
}

const queryOf = (text: string, args = '') =>
  `{ found: searchUsers(text: ${JSON.stringify(text)}${args}) {
    edges { cursor node { id nick } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;

const search = async (gateway: Pick<TestGateway, 'data'>, text: string, args?: string) =>
  (await gateway.data<{ found: Connection }>(queryOf(text, args))).found;
const codeOf = async (gateway: TestGateway, text: string, args?: string) =>
  codesOf(await gateway.query(queryOf(text, args)))?.map((code) => code.replace('found ', ''));

test('people are found by all the words of a text, or by their whole id, and paged to the end, each once', async () => {
  const gateway = await open(250);
  const expected = Array.from({ length: 125 }, (_, n) => `p${String(2 * n + 1).padStart(3, '0')}`);
  const seen: string[] = [];
  for (let after = ''; ; ) {
    const page = await search(gateway, ' oslo  PERSON ', `, first: 30${after}`);
    seen.push(...idsOf(page));
    if (!page.pageInfo.hasNextPage) break;
    after = `, after: "${page.pageInfo.endCursor}"`;
  }
  expect(seen).toEqual(expected);
  expect(callCounts(gateway).search).toBe(2);
  gateway.clock.advance(2000);
  expect(idsOf(await search(gateway, 'p007'))).toEqual(['p007']);
  expect(idsOf(await search(gateway, 'p00'))).toEqual([]);
  gateway.clock.advance(2000);
  const { cursor } = (await search(gateway, 'rome', ', first: 3')).edges[2] as { cursor: string };
  gateway.world.removeAccount('p004');
  expect(idsOf(await search(gateway, 'rome', `, first: 2, after: "${cursor}"`))).toEqual(['p006', 'p008']);
});

test('the same search costs one call a minute', async () => {
  const gateway = await open(3);
  for (let n = 0; n < 5; n++) await search(gateway, 'person', n % 2 ? ', first: 1' : '');
  expect(callCounts(gateway).search).toBe(1);
  gateway.clock.advance(601_000);
  await search(gateway, 'person');
  expect(callCounts(gateway).search).toBe(2);
});

test('a search that the upstream refuses for want of an account is asked again', async () => {
  const gateway = await open(3);
  gateway.faults.set({ error: { code: 70107, commands: ['search'] } });
  expect(await codeOf(gateway, 'person')).toEqual(['USER_NOT_FOUND']);
  gateway.faults.reset();
  expect(idsOf(await search(gateway, 'person'))).toHaveLength(3);
});

test('names come from where all names come from, however far behind the search is', async () => {
  const gateway = await open(1);
  gateway.faults.set({ searchLag: { ms: 60_000 } });
  expect(idsOf(await search(gateway, 'person'))).toEqual([]);
  gateway.clock.advance(61_000);
  gateway.world.setProfile('p000', { Tag_Profile_IM_Level: 3 });
  gateway.faults.set({ searchLag: null, rewrite: { pattern: 'Person', with: 'Former', commands: ['search'] } });
  expect((await search(gateway, 'person 0')).edges).toMatchObject([{ node: { nick: 'Person 0 of Rome' } }]);
});

test.each([
  ['no word', '  ', '', 'BAD_USER_INPUT'],
  ['six words', 'a b c d e f', '', 'BAD_USER_INPUT'],
  ['very much text', 'a'.repeat(101), '', 'BAD_USER_INPUT'],
  ['more than a page', 'a', ', first: 101', 'BAD_USER_INPUT'],
  ['a made-up cursor', 'a', ', after: "made-up"', 'INVALID_CURSOR'],
  ['any search where it is off', 'person', '', 'FEATURE_NOT_ENABLED', 'off'],
])('%s is refused without a call', async (_title, text, args, code, USER_SEARCH = 'on') => {
  const gateway = await open(1, { env: { MAX_PAGE_SIZE: '1000', USER_SEARCH } });
  expect(await codeOf(gateway, text, args)).toEqual([code]);
  expect(callCounts(gateway)).toEqual({});
});

test('when more is searched for than two calls a second bring, clients are told, and nothing else fails', async () => {
  const gateway = await open(3, { clock: createRunningClock(), sandbox: { rateLimits: {} } });
  const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => gateway.query(queryOf(`person ${n}`))));
  const codes = answers.map(({ errors }) => errors?.[0]?.extensions.code ?? 'found');
  expect(codes.toSorted()).toEqual([...Array(8).fill('THROTTLED'), 'found', 'found']);
});
