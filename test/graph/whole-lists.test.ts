// Search, order and both directions over HTTP, against what the sandbox's world says.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { callCounts } from '../support/gateway.ts';
import { NO_PROFILE_ITEM } from '../support/sandbox.ts';
import { type Connection, idsOf } from '../support/walk.ts';
import { codesOf, openWorld, type World, type WorldOptions } from './world.ts';

type Found = Connection & { isComplete: boolean };
type Arguments = Record<string, string | number | null | undefined>;
type List = 'fans' | 'follows' | 'mutuals';

/** Nicks as they are shown, and what is left of them without width, case and accents. */
const NICKS: Record<string, string> = {
  Zoë: 'zoe',
  zoe: 'zoe',
  ＺＯＥ: 'zoe',
  'Ana Müller': 'ana muller',
  ANA: 'ana',
  '王 Ana': '王 ana',
  '': '',
};

/** Anna follows `count` people, of whom every third follows her back. */
async function openAnna(count: number, env: WorldOptions['env'] = {}, nicks: string[] = Object.keys(NICKS)) {
  const gateway = await openWorld({ people: ['anna'], env });
  const { world } = gateway;
  for (let n = 0; n < count; n++) {
    const id = `p${(n * 7919) % 10_007}`;
    world.importAccount(id, { Tag_Profile_IM_Nick: nicks[n % nicks.length] ?? '' });
    world.follow('anna', id, 1_700_000_000 + Math.floor(n / 2));
    if (n % 3 === 0) world.follow(id, 'anna', 1_700_000_000 + n);
  }
  return gateway;
}

/** One text for each list, since reading and pricing a new one takes longer than answering it. */
const queryOf = (list: string) => `query (
  $owner: ID!, $first: Int, $after: String, $last: Int, $before: String, $matching: String, $orderBy: FollowOrder
) {
  user(id: $owner) {
    list: ${list}(first: $first, after: $after, last: $last, before: $before, matching: $matching, orderBy: $orderBy) {
      isComplete edges { cursor followedAt node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}`;

async function read(gateway: World, list: string, args: Arguments, owner = 'anna'): Promise<Found> {
  return (await gateway.data<{ user: { list: Found } }>(queryOf(list), { owner, ...args })).user.list;
}

const codeOf = async (gateway: World, list: string, args: Arguments) =>
  codesOf(await gateway.query(queryOf(list), { owner: 'anna', ...args }))?.map((code) =>
    code.replace('user list ', ''),
  );

test('a list of 5,000 is searched, sorted and paged backwards for five calls, once', async () => {
  const gateway = await openAnna(5000);
  const all = gateway.world.list('anna', 'follows').map(({ id }) => id);
  const page = await read(gateway, 'follows', { last: 100 });
  expect(page).toMatchObject({ isComplete: true, pageInfo: { hasNextPage: false, hasPreviousPage: true } });
  const before = await read(gateway, 'follows', { last: 100, before: page.pageInfo.startCursor });
  expect([...idsOf(before), ...idsOf(page)]).toEqual(all.slice(-200));
  const found = await read(gateway, 'follows', { matching: 'ana muller', first: 100 });
  const nickOf = (id: string) => String(gateway.world.profile(id)?.items[0]?.Value);
  expect(idsOf(found)).toEqual(all.filter((id) => nickOf(id) === 'Ana Müller').slice(0, 100));
  const sorted = await read(gateway, 'follows', { orderBy: 'NICK_DESC', first: 2 });
  expect(idsOf(sorted).map(nickOf)).toEqual(['王 Ana', '王 Ana']);
  expect(callCounts(gateway)).toEqual({ follow_get: 5 });
});

const ORDERS = ['FOLLOWED_AT_DESC', 'FOLLOWED_AT_ASC', 'NICK_ASC', 'NICK_DESC'] as const;
type Order = (typeof ORDERS)[number];
const isByNick = (orderBy: Order) => orderBy.startsWith('NICK');
const REVERSE = {
  FOLLOWED_AT_DESC: 'FOLLOWED_AT_ASC',
  FOLLOWED_AT_ASC: 'FOLLOWED_AT_DESC',
  NICK_ASC: 'NICK_DESC',
  NICK_DESC: 'NICK_ASC',
} as const;
const FOLDED: Record<string, string> = { '': '', ' ': '', ZÓE: 'zoe', mull: 'mull', U1: 'u1', ａｎａ: 'ana' };

type Person = { n: number; nick: string; time: number; isMutual: boolean; isGone: boolean };
const person = fc.record<Person>({
  n: fc.nat(40),
  nick: fc.constantFrom(...Object.keys(NICKS)),
  time: fc.nat(6),
  isMutual: fc.boolean(),
  isGone: fc.boolean(),
});
const wanted = fc.record({
  people: fc.uniqueArray(person, { selector: ({ n }) => n, maxLength: 30 }),
  list: fc.constantFrom<List>('follows', 'mutuals'),
  orderBy: fc.constantFrom(...ORDERS),
  matching: fc.constantFrom(...Object.keys(FOLDED)),
  isBackward: fc.boolean(),
  size: fc.nat(12),
});

/** Worlds of their own in one sandbox, whose lists are never kept. */
async function openWorlds() {
  const gateway = await openWorld({ env: { LIST_FRESH_SECONDS: '0' } });
  const { world } = gateway;
  const keyOf = (id: string) => NICKS[String(world.profile(id)?.items[0]?.Value ?? '')] as string;
  let count = 0;

  /** A user who follows these people. */
  return function create(people: readonly Person[], list: List) {
    const owner = `w${count++}`;
    const idOf = ({ n }: Person) => `u${n}${owner}`;
    const join = (one: Person) => {
      world.importAccount(idOf(one), one.nick ? { Tag_Profile_IM_Nick: one.nick } : {});
      world.follow(owner, idOf(one), 1_700_000_000 + one.time);
      if (one.isMutual) world.follow(idOf(one), owner, 1_700_000_003);
    };
    world.importAccount(owner);
    for (const one of people) join(one);

    /** Whom brute force finds. */
    function members(orderBy: Order, matching = '') {
      const text = FOLDED[matching] as string;
      const ids = world.list(owner, list).map(({ id }) => id);
      // No letter comes before the tab.
      const byNick = (a: string, b: string) => (`${keyOf(a)}\t${a}` < `${keyOf(b)}\t${b}` ? -1 : 1);
      if (isByNick(orderBy)) ids.sort(byNick);
      if (orderBy === 'FOLLOWED_AT_ASC' || orderBy === 'NICK_DESC') ids.reverse();
      return ids.filter((id) => id.includes(text) || keyOf(id).includes(text));
    }
    return { world, owner, idOf, join, members, ask: (args: Arguments) => read(gateway, list, args, owner) };
  };
}

test('in 1,000 worlds a page holds whom brute force finds, from either end, between any two cursors of whatever page', async () => {
  const create = await openWorlds();
  const ends = fc.record({ after: fc.option(fc.nat(60)), before: fc.option(fc.nat(60)) });
  // The page of which the cursors are: asked for in the order, its reverse, or, where that is the upstream's, in none.
  const source = fc.record({ isReversed: fc.boolean(), isPlain: fc.boolean(), way: fc.constantFrom('first', 'last') });
  await fc.assert(
    fc.asyncProperty(wanted, ends, source, async (wanted, { after, before }, { isReversed, isPlain, way }) => {
      const { people, list, orderBy, matching, isBackward, size } = wanted;
      const { world, owner, idOf, members, ask } = create(people, list);
      const all = members(orderBy);
      const order = isReversed ? REVERSE[orderBy] : orderBy;
      const whole = await ask(isPlain && !isByNick(order) ? { first: 100 } : { orderBy: order, [way]: 100 });
      expect(idsOf(whole).toSorted()).toEqual(all.toSorted());
      const cursors = new Map(whole.edges.map(({ cursor, node }) => [node.id, cursor]));
      for (const one of people) if (one.isGone) world.unfollow(owner, idOf(one));

      const positionAt = (index: number | null) => (index === null ? undefined : all[index % all.length]);
      const [from, to] = [positionAt(after), positionAt(before)];
      const found = members(orderBy, matching);
      const between = found.filter(
        (id) => (!from || all.indexOf(id) > all.indexOf(from)) && (!to || all.indexOf(id) < all.indexOf(to)),
      );
      const page = isBackward ? between.slice(Math.max(0, between.length - size)) : between.slice(0, size);
      const selected = await ask({
        orderBy: isPlain && orderBy === 'FOLLOWED_AT_DESC' ? undefined : orderBy,
        matching,
        [isBackward ? 'last' : 'first']: size,
        after: from && cursors.get(from),
        before: to && cursors.get(to),
      });
      expect(idsOf(selected)).toEqual(page);
      if (page.length === 0) return;
      expect(selected.pageInfo).toEqual({
        hasPreviousPage: page[0] !== found[0],
        hasNextPage: page.at(-1) !== found.at(-1),
        startCursor: selected.edges[0]?.cursor,
        endCursor: selected.edges.at(-1)?.cursor,
      });
    }),
    { numRuns: 1000 },
  );
});

test('in 1,000 worlds that change while they are paged, no member who stays the same is skipped or repeated', async () => {
  const create = await openWorlds();
  const change = fc.record({ kind: fc.constantFrom('join', 'leave', 'rename', 'return'), pick: fc.nat(50), person });
  const changesByPage = fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(wanted, changesByPage, async (wanted, changes) => {
      const { people, list, orderBy, matching, isBackward, size } = wanted;
      const { world, owner, join, members, ask } = create(people, list);
      const before = members(orderBy, matching);
      const changed = new Set<string>();
      const seen: string[] = [];
      for (let [turn, isMore, cursor] = [0, true, null as string | null]; isMore; turn++) {
        const way: Arguments = isBackward
          ? { last: 1 + (size % 6), before: cursor }
          : { first: 1 + (size % 6), after: cursor };
        const page = await ask({ orderBy, matching, ...way });
        seen.splice(isBackward ? 0 : seen.length, 0, ...idsOf(page));
        isMore = isBackward ? page.pageInfo.hasPreviousPage : page.pageInfo.hasNextPage;
        cursor = isBackward ? page.pageInfo.startCursor : page.pageInfo.endCursor;
        for (const { kind, pick, person } of changes[turn] ?? []) {
          const now = world.list(owner, 'follows').map(({ id }) => id);
          const id = now[pick % Math.max(1, now.length)];
          if (kind === 'join') join({ ...person, n: 100 * (turn + 1) + pick });
          if (kind === 'join' || !id) continue;
          changed.add(id);
          if (kind === 'rename') world.setProfile(id, { Tag_Profile_IM_Nick: person.nick });
          else world.unfollow(owner, id);
          if (kind === 'return') world.follow(owner, id, 1_700_000_007);
        }
      }
      const stayed = before.filter((id) => !changed.has(id));
      expect(seen.filter((id) => stayed.includes(id))).toEqual(stayed);
    }),
    { numRuns: 1000 },
  );
});

test('nicks that did not come along with the list are asked for', async () => {
  const gateway = await openAnna(140);
  gateway.faults.set({ rewrite: { ...NO_PROFILE_ITEM, commands: ['follow_get'] } });
  const found = await read(gateway, 'follows', { matching: 'ana muller', first: 100 });
  expect(found.edges).toHaveLength(20);
  expect(callCounts(gateway)).toEqual({ follow_get: 1, portrait_get: 2 });
});

test('fans are searched up to SEARCH_MAX_FANS, and the answer says whether that was all', async () => {
  const gateway = await openWorld({ env: { SEARCH_MAX_FANS: '2500' } });
  gateway.world.addFans('anna', 2500);
  const wanted = { matching: 'CROWD 1', first: 100 };
  const all = await read(gateway, 'fans', wanted);
  expect(all.isComplete).toBe(true);
  expect(all.edges).toHaveLength(100);
  const more = await read(gateway, 'fans', { ...wanted, after: all.pageInfo.endCursor });
  expect(new Set([...idsOf(all), ...idsOf(more)]).size).toBe(200);
  expect(callCounts(gateway)).toEqual({ follow_get: 3 });
  gateway.world.addFans('anna', 1, 1_750_000_000);
  const fresh = { ...gateway, ...(await gateway.openReplica()) };
  expect(await read(fresh, 'fans', wanted)).toMatchObject({ isComplete: false, edges: { length: 100 } });
  expect(await read(fresh, 'fans', { matching: 'crowd_000001' })).toMatchObject({ isComplete: false, edges: [] });
  expect(callCounts(gateway)).toEqual({ follow_get: 6 });
});

test.each<[string, Parameters<World['faults']['set']>[0], number, number]>([
  ['never end', { endlessPages: true }, 0, 10],
  ['lead back', { stuckCursor: true, shortPages: { keep: 2 } }, 4, 2],
])('a search of a list whose pages %s ends, and says that there may be more', async (_what, faults, found, calls) => {
  const gateway = await openAnna(10);
  gateway.faults.set(faults);
  const { edges, isComplete } = await read(gateway, 'follows', { matching: 'p' });
  expect([edges.length, isComplete, callCounts(gateway)]).toEqual([found, false, { follow_get: calls }]);
});

test.each<[string, string, Arguments]>([
  ['more than a page may have', 'fans', { first: 101 }],
  ['fewer than none', 'fans', { first: -1 }],
  ['fans from the end', 'fans', { last: 3 }],
  ['fans before a cursor', 'fans', { before: 'any' }],
  ['fans in an order', 'fans', { orderBy: 'NICK_ASC' }],
  ['more than a page may have from the end', 'follows', { last: 101 }],
  ['fewer than none from the end', 'follows', { last: -1 }],
  ['an order that there is not', 'follows', { orderBy: 'AGE' }],
])('%s is refused without a call', async (_title, list, args) => {
  const gateway = await openAnna(3);
  expect(await codeOf(gateway, list, args)).toEqual(['BAD_USER_INPUT']);
  expect(callCounts(gateway)).toEqual({});
});

test('beside `last`, `first` does not count', async () => {
  const gateway = await openAnna(5);
  const fromEnd = await read(gateway, 'follows', { last: 2 });
  expect(idsOf(await read(gateway, 'follows', { first: 4, last: 2 }))).toEqual(idsOf(fromEnd));
});

test.each(['after', 'before'])('a wrong `%s` is called by its name, without a call', async (name) => {
  const gateway = await openAnna(3);
  const { errors } = await gateway.query(queryOf('follows'), { owner: 'anna', last: 3, [name]: 'made-up' });
  const message = `"${name}" is not a cursor of this list. Start again without it.`;
  expect(errors).toMatchObject([{ message, extensions: { code: 'INVALID_CURSOR' } }]);
  expect(callCounts(gateway)).toEqual({});
});

test.each([
  ['\u0301', 0],
  ['\u00b4', 0],
  ['ana\u00a8', 4],
  ['\u3000', 10],
])('matching %j, where accents and spaces do not count, finds %i of ten', async (matching, found) => {
  const gateway = await openAnna(10, {}, ['Aña', 'Bo Li', 'Bo Li', 'Aña', 'Bo Li']);
  expect((await read(gateway, 'follows', { matching })).edges).toHaveLength(found);
});

test('Chinese nicks are found and sorted by their Pinyin with PINYIN_SEARCH, and not without', async () => {
  const nicks = ['张伟', '曾小贤', 'Bea', '绿茶'];
  const [pinyin, plain] = [await openAnna(4, { PINYIN_SEARCH: 'on' }, nicks), await openAnna(4, {}, nicks)];
  const search = async (gateway: World, args: Arguments) =>
    idsOf(await read(gateway, 'follows', args)).map((id) => gateway.world.profile(id)?.items[0]?.Value);
  for (const [matching, nick] of [
    ['ZhangW', '张伟'],
    ['zxx', '曾小贤'],
    ['lvcha', '绿茶'],
    ['小', '曾小贤'],
  ] as const)
    expect(await search(pinyin, { matching })).toEqual([nick]);
  expect(await search(plain, { matching: 'ZhangW' })).toEqual([]);
  expect(await search(pinyin, { orderBy: 'NICK_ASC' })).toEqual(['Bea', '绿茶', '曾小贤', '张伟']);
});
