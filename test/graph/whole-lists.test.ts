// Search, order and both directions over HTTP, against what the sandbox's world says.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createHastyClock } from '../support/clock.ts';
import { callCounts, openGateway, type TestGateway } from '../support/gateway.ts';
import '../support/random-cases.ts';
import type { Connection } from '../support/walk.ts';

type Found = Connection & { isComplete: boolean };
type Arguments = Record<string, string | number | null>;

const NICKS = ['Zoë', 'ANA', 'Ana Müller', 'ｂｅａ', '王芳'];

async function open(env: Record<string, string> = {}) {
  const clock = createHastyClock();
  const gateway = await openGateway({
    clock,
    env: { AUTH: 'development', ...env },
    sandbox: { emptyWorld: true, clock, rateLimits: Number.POSITIVE_INFINITY },
  });
  return { gateway, clock, world: gateway.sandbox.world };
}

/** Anna follows `count` people, of whom every third follows her back. */
async function openAnna(count: number, env: Record<string, string> = {}) {
  const opened = await open(env);
  const { world } = opened;
  world.importAccount('anna');
  for (let n = 0; n < count; n++) {
    const id = `p${(n * 7919) % 10_007}`;
    world.importAccount(id, { Tag_Profile_IM_Nick: `${NICKS[n % NICKS.length]} ${n % 77}` });
    world.follow('anna', id, 1_700_000_000 + Math.floor(n / 2));
    if (n % 3 === 0) world.follow(id, 'anna', 1_700_000_000 + n);
  }
  return opened;
}

const queryOf = (list: string, args: Arguments) => {
  const written = Object.entries(args).map(
    ([name, value]) => `${name}: ${name === 'orderBy' ? value : JSON.stringify(value)}`,
  );
  return `{ user(id: "anna") { list: ${list}(${written.join(', ')}) {
    isComplete edges { cursor followedAt node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  } } }`;
};

async function read(gateway: TestGateway, list: string, args: Arguments): Promise<Found> {
  return (await gateway.data<{ user: { list: Found } }>(queryOf(list, args))).user.list;
}

const idsOf = ({ edges }: Found) => edges.map(({ node }) => node.id);
const codeOf = async (gateway: Pick<TestGateway, 'query'>, list: string, args: Arguments) =>
  (await gateway.query(queryOf(list, args))).errors?.map(({ extensions }) => extensions.code);

test('a list of 5,000 is searched, sorted and paged backwards for five calls, once', async () => {
  const { gateway, world } = await openAnna(5000);
  const all = world.list('anna', 'follows').map(({ id }) => id);

  let page = await read(gateway, 'follows', { last: 100 });
  const seen = idsOf(page);
  expect(page).toMatchObject({ isComplete: true, pageInfo: { hasNextPage: false, hasPreviousPage: true } });
  expect(callCounts(gateway)).toEqual({ follow_get: 5 });
  while (page.pageInfo.hasPreviousPage) {
    page = await read(gateway, 'follows', { last: 100, before: page.pageInfo.startCursor });
    seen.unshift(...idsOf(page));
  }
  expect(seen).toEqual(all);
  const found = await read(gateway, 'follows', { matching: 'ana muller 7', first: 100 });
  const nickOf = (id: string) => String(world.profile(id)?.items[0]?.Value);
  expect(idsOf(found)).toEqual(all.filter((id) => nickOf(id).startsWith('Ana Müller 7')).slice(0, 100));
  const sorted = await read(gateway, 'follows', { orderBy: 'NICK_DESC', first: 2 });
  expect(idsOf(sorted).map(nickOf)).toEqual(['王芳 9', '王芳 9']);
  expect(callCounts(gateway)).toEqual({ follow_get: 5 });
});

test('whatever is asked of follows and mutuals, the pages are those of brute force', async () => {
  const { gateway, world } = await openAnna(60);
  const args = fc.record({
    list: fc.constantFrom('follows', 'mutuals'),
    orderBy: fc.constantFrom('FOLLOWED_AT_ASC', 'FOLLOWED_AT_DESC', 'NICK_ASC', 'NICK_DESC'),
    matching: fc.constantFrom('', ' ', 'zoe', 'P1', 'MÜLLER'),
    way: fc.constantFrom('first', 'last'),
    size: fc.integer({ min: 1, max: 30 }),
  });
  const fold = (text: string) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  await fc.assert(
    fc.asyncProperty(args, async ({ list, orderBy, matching, way, size }) => {
      const keyOf = (id: string) => fold(String(world.profile(id)?.items[0]?.Value));
      const found = world
        .list('anna', list as 'follows')
        .filter(({ id }) => id.includes(fold(matching.trim())) || keyOf(id).includes(fold(matching.trim())));
      if (orderBy.startsWith('NICK'))
        found.sort((a, b) => (`${keyOf(a.id)} ${a.id}` < `${keyOf(b.id)} ${b.id}` ? -1 : 1));
      if (orderBy === 'FOLLOWED_AT_ASC' || orderBy === 'NICK_DESC') found.reverse();

      const seen: string[] = [];
      for (let cursor: string | null = null; ; ) {
        const page: Found = await read(gateway, list, {
          orderBy,
          matching,
          [way]: size,
          [way === 'first' ? 'after' : 'before']: cursor,
        });
        const { hasNextPage, hasPreviousPage, startCursor, endCursor } = page.pageInfo;
        if (way === 'first') seen.push(...idsOf(page));
        else seen.unshift(...idsOf(page));
        if (!(way === 'first' ? hasNextPage : hasPreviousPage)) break;
        cursor = way === 'first' ? endCursor : startCursor;
      }
      expect(seen).toEqual(found.map(({ id }) => id));
    }),
    { numRuns: 40 },
  );
});

test('a cursor of a page that was asked for forward ends one that is asked for backward, and the other way round', async () => {
  const { gateway, world } = await openAnna(30);
  const all = world.list('anna', 'follows').map(({ id }) => id);
  const forward = await read(gateway, 'follows', { first: 20 });
  expect(idsOf(await read(gateway, 'follows', { last: 5, before: forward.pageInfo.endCursor }))).toEqual(
    all.slice(14, 19),
  );
  const backward = await read(gateway, 'follows', { last: 8 });
  expect(idsOf(await read(gateway, 'follows', { first: 3, after: backward.pageInfo.startCursor }))).toEqual(
    all.slice(23, 26),
  );
});

test('members who come, go and change their nick between pages by nick move nobody else', async () => {
  const { gateway, world, clock } = await openAnna(40);
  const before = idsOf(await read(gateway, 'follows', { orderBy: 'NICK_ASC', first: 100 }));
  const first = await read(gateway, 'follows', { orderBy: 'NICK_ASC', first: 10 });
  const [gone, renamed] = [before[9], before[3]] as [string, string];
  world.unfollow('anna', gone);
  world.setProfile(renamed, { Tag_Profile_IM_Nick: '~' });
  world.importAccount('newcomer', { Tag_Profile_IM_Nick: 'aaa' });
  world.follow('anna', 'newcomer');
  clock.advance(3_600_001);
  const second = await read(gateway, 'follows', { orderBy: 'NICK_ASC', first: 10, after: first.pageInfo.endCursor });
  expect(idsOf(second)).toEqual(before.slice(10, 20));
  expect(second.pageInfo.hasPreviousPage).toBe(true);
});

test('nicks that did not come along with the list are asked for', async () => {
  const { gateway } = await openAnna(150);
  gateway.sandbox.faults.set({ missingProfileItem: { commands: ['follow_get'] } });
  const found = await read(gateway, 'follows', { matching: 'ana muller', first: 100 });
  expect(found.edges).toHaveLength(30);
  expect(callCounts(gateway)).toEqual({ follow_get: 1, portrait_get: 2 });
});

test('fans are searched up to SEARCH_MAX_FANS, and the answer says whether that was all', async () => {
  const { gateway, world } = await open({ SEARCH_MAX_FANS: '2500' });
  world.addFans('anna', 2500);
  const wanted = { matching: 'CROWD 1', first: 100 };
  const all = await read(gateway, 'fans', wanted);
  expect(all.isComplete).toBe(true);
  expect(all.edges).toHaveLength(100);
  const more = await read(gateway, 'fans', { ...wanted, after: all.pageInfo.endCursor });
  expect(new Set([...idsOf(all), ...idsOf(more)]).size).toBe(200);
  expect(callCounts(gateway)).toEqual({ follow_get: 3 });
  world.addFans('anna', 1, 1_750_000_000);
  expect((await read(gateway, 'fans', { ...wanted, matching: 'nobody' })).isComplete).toBe(true);
});

test('a search that leaves some of many fans out says so', async () => {
  const { gateway, world } = await open({ SEARCH_MAX_FANS: '1000' });
  world.addFans('anna', 1001);
  expect(await read(gateway, 'fans', { matching: 'crowd 1001' })).toMatchObject({ isComplete: false, edges: [{}] });
  expect(await read(gateway, 'fans', { matching: 'crowd_000001' })).toMatchObject({ isComplete: false, edges: [] });
  expect(callCounts(gateway)).toEqual({ follow_get: 1 });
});

test.each<[string, string, Arguments, string]>([
  ['fans from the end', 'fans', { last: 3 }, 'BAD_USER_INPUT'],
  ['fans before a cursor', 'fans', { before: 'any' }, 'BAD_USER_INPUT'],
  ['fans in an order', 'fans', { orderBy: 'NICK_ASC' }, 'BAD_USER_INPUT'],
  ['more than a page may have from the end', 'follows', { last: 101 }, 'BAD_USER_INPUT'],
  ['fewer than none from the end', 'follows', { last: -1 }, 'BAD_USER_INPUT'],
  ['an order that there is not', 'follows', { orderBy: 'AGE' }, 'GRAPHQL_VALIDATION_FAILED'],
  ['before what is no cursor', 'follows', { last: 3, before: 'made-up' }, 'INVALID_CURSOR'],
  ['a page from both ends', 'mutuals', { first: 20, last: 3 }, 'BAD_USER_INPUT'],
])('%s is refused without a call', async (_title, list, args, code) => {
  const { gateway } = await openAnna(3);
  expect(await codeOf(gateway, list, args)).toEqual([code]);
  expect(callCounts(gateway)).toEqual({});
});

test('only a client that gives `first` itself, by whichever way, gives it beside `last`', async () => {
  const { gateway } = await openAnna(3);
  const queryOf = (type: string) =>
    `query ($n: ${type}) { user(id: "anna") { follows(first: $n, last: 2) { nodes { id } } } }`;
  for (const [type, n] of [
    ['Int', 20],
    ['Int = 20', 10],
  ] as const)
    expect((await gateway.query(queryOf(type), { n })).errors).toMatchObject([
      { message: expect.stringMatching(/"first" or "last"/), extensions: { code: 'BAD_USER_INPUT' } },
    ]);
  for (const [type, variables] of [
    ['Int', {}],
    ['Int', { n: null }],
    ['Int = 20', {}],
  ] as const)
    expect(await gateway.data(queryOf(type), variables)).toMatchObject({ user: { follows: { nodes: [{}, {}] } } });
  // A name that every object has.
  const inherited = queryOf('Int').replaceAll('$n', '$constructor');
  expect(await gateway.data(inherited)).toMatchObject({ user: { follows: { nodes: [{}, {}] } } });
});

test.each(['after', 'before'])('a wrong `%s` is called by its name', async (name) => {
  const { gateway } = await openAnna(3);
  const { errors } = await gateway.query(queryOf('follows', { last: 3, [name]: 'made-up' }));
  expect(errors?.[0]?.message).toBe(`"${name}" is not a cursor of this list. Start again without it.`);
});

test.each([
  ['\u0301', 0],
  ['\u00b4', 0],
  ['ana\u00a8', 4],
  ['\u3000', 10],
])('matching %j, where accents and spaces do not count, finds %i of ten', async (matching, found) => {
  const { gateway, world } = await openAnna(10);
  for (const { id } of world.list('anna', 'follows')) world.setProfile(id, { Tag_Profile_IM_Nick: 'Bo Li' });
  for (const { id } of world.list('anna', 'follows').slice(0, 4)) world.setProfile(id, { Tag_Profile_IM_Nick: 'Aña' });
  expect((await read(gateway, 'follows', { matching })).edges).toHaveLength(found);
});

test('a cursor of one order by nick holds in the other, and not in those by time', async () => {
  const { gateway } = await openAnna(10);
  const up = await read(gateway, 'follows', { orderBy: 'NICK_ASC', first: 10 });
  const after = up.edges[4]?.cursor as string;
  const down = await read(gateway, 'follows', { orderBy: 'NICK_DESC', first: 10, after });
  expect(idsOf(down)).toEqual(idsOf(up).slice(0, 4).reverse());
  expect(await codeOf(gateway, 'follows', { after })).toEqual(['INVALID_CURSOR']);
  expect(await codeOf(gateway, 'mutuals', { orderBy: 'NICK_ASC', after })).toEqual(['INVALID_CURSOR']);
});

test('a list that is not for the viewer is not searched, sorted or counted from the end either', async () => {
  const { gateway } = await openAnna(10, { LIST_VISIBILITY: 'self' });
  for (const [list, args] of [
    ['fans', { matching: 'a' }],
    ['follows', { last: 3 }],
    ['mutuals', { orderBy: 'NICK_ASC' }],
  ] as const)
    for (const asker of [gateway, gateway.as('p0')]) expect(await codeOf(asker, list, args)).toEqual(['FORBIDDEN']);
  expect(callCounts(gateway)).toEqual({});
  expect(await codeOf(gateway.as('anna'), 'follows', { last: 3 })).toBeUndefined();
});

test('a selection that takes the whole list is priced by it', async () => {
  const { gateway } = await openAnna(1, { MAX_UPSTREAM_CALLS: '9' });
  expect(await codeOf(gateway, 'follows', { last: 3 })).toBeUndefined();
  expect(await codeOf(gateway, 'fans', { matching: 'a' })).toEqual(['OPERATION_TOO_EXPENSIVE']);
});

test('own changes show in a list that is searched, at once', async () => {
  const { gateway, world } = await openAnna(10);
  world.importAccount('bert', { Tag_Profile_IM_Nick: 'Bert' });
  const find = () => read(gateway, 'follows', { matching: 'BERT' }).then(idsOf);
  expect(await find()).toEqual([]);
  gateway.sandbox.faults.set({ listsLag: { ms: 20_000 } });
  await gateway.as('anna').data('mutation { followUsers(input: { userIds: ["bert"] }) { viewer { id } } }');
  expect(await find()).toEqual(['bert']);
});

test('with PINYIN_SEARCH a Chinese nick is found by its Pinyin, and without it is not', async () => {
  for (const [PINYIN_SEARCH, found] of [
    ['on', 2],
    ['off', 0],
  ] as const) {
    const { gateway } = await openAnna(10, { PINYIN_SEARCH });
    expect((await read(gateway, 'follows', { matching: 'WangF' })).edges).toHaveLength(found);
  }
});
