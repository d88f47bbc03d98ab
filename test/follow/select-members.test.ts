// Search, order and both directions against brute force, over made-up lists that stay or change while they are paged.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FollowEntry, Profile } from '../../src/follow/model.ts';
import { createNames } from '../../src/follow/names.ts';
import {
  type MemberOrder,
  type MemberPosition,
  readMembers,
  type Selecting,
  selectMembers,
} from '../../src/follow/select-members.ts';
import '../support/random-cases.ts';
import { UNSET_PROFILE } from '../support/unset-profile.ts';

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
const ORDERS = ['FOLLOWED_AT_ASC', 'FOLLOWED_AT_DESC', 'NICK_ASC', 'NICK_DESC'] as const satisfies MemberOrder[];

type Person = { id: string; nick: string | null; time: number };
type World = Person[];

const names = createNames(false);
const keyOf = ({ nick }: Person) => NICKS[nick ?? ''] as string;

const profileOf = (nick: string | null): Profile => ({
  ...UNSET_PROFILE,
  ...{ nick, customFields: [], items: [], whole: true },
});

/** What the upstream would send: the newest first, three a page. */
async function readWhole(world: World) {
  const sorted = world.toSorted((a, b) => b.time - a.time || (a.id < b.id ? -1 : 1));
  const entries = sorted.map(({ id, nick, time }) => ({ user: { id, profile: profileOf(nick) }, followedAt: time }));
  const readPage = (start: string) => {
    const to = Number(start) + 3;
    return { entries: entries.slice(Number(start), to), next: to < entries.length ? String(to) : '' };
  };
  const { members, isComplete } = await readMembers(readPage, { maxMembers: 5000, maxPages: 5000 });
  expect(isComplete).toBe(true);
  await names.prepare(members.map(({ user }) => user));
  return members;
}

const isByNick = (orderBy: MemberOrder) => orderBy.startsWith('NICK');
const positionOf = (person: Person, orderBy: MemberOrder): MemberPosition => ({
  key: isByNick(orderBy) ? keyOf(person) : person.time,
  id: person.id,
});

/** By the letter: a text that sorts as the order does. */
function sorted(world: World, orderBy: MemberOrder): World {
  const ascending = world.toSorted((a, b) => {
    const by = isByNick(orderBy) ? [keyOf(a), keyOf(b)] : [b.time, a.time];
    const [x = '', y = ''] = by[0] === by[1] ? [a.id, b.id] : by;
    return x < y ? -1 : x > y ? 1 : 0;
  });
  return orderBy === 'NICK_ASC' || orderBy === 'FOLLOWED_AT_DESC' ? ascending : ascending.reverse();
}

const matches = (person: Person, matching: string) => person.id.includes(matching) || keyOf(person).includes(matching);

type Wanted = Omit<Selecting<FollowEntry>, 'nameOf' | 'matching'> & { matching: string };

async function select(world: World, wanted: Wanted) {
  const nameOf = ({ user }: FollowEntry) => names.nameOf(user);
  const { entries, ...rest } = selectMembers(await readWhole(world), { ...wanted, nameOf });
  return { ids: entries.map(({ user }) => user.id), ...rest };
}

const person = fc.record<Person>({
  id: fc.integer({ min: 0, max: 40 }).map((n) => `u${n}`),
  nick: fc.option(fc.constantFrom(...Object.keys(NICKS))),
  time: fc.integer({ min: 0, max: 6 }),
});
const people = fc.uniqueArray(person, { selector: ({ id }) => id, maxLength: 30 });
const orderBy = fc.constantFrom(...ORDERS);
const SEARCHES = {
  all: '',
  'the same name in other letters': 'ZÓE',
  'a part of it': 'mull',
  'an id': 'U1',
  wide: 'ａｎａ',
};
const FOLDED = { ZÓE: 'zoe', U1: 'u1', ａｎａ: 'ana' } as Record<string, string>;
const matching = fc.constantFrom(...Object.values(SEARCHES));

test('in 1,000 worlds a page holds whom brute force finds, from either end, between any two positions', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({ world: people, gone: people, orderBy, matching }),
      fc.record({
        first: fc.nat(12),
        last: fc.option(fc.nat(12)),
        after: fc.option(fc.nat(60)),
        before: fc.option(fc.nat(60)),
      }),
      async ({ world, gone, orderBy, matching }, { first, last, after, before }) => {
        // A position may be that of somebody who is not there.
        const all = sorted([...world, ...gone.map((one) => ({ ...one, id: `${one.id}x` }))], orderBy);
        const positionAt = (index: number | null) =>
          index === null ? undefined : all[index % Math.max(1, all.length)];
        const [from, to] = [positionAt(after), positionAt(before)];
        const found = all.filter((one) => world.includes(one) && matches(one, FOLDED[matching] ?? matching));
        const window = found.filter(
          (one) => (!from || all.indexOf(one) > all.indexOf(from)) && (!to || all.indexOf(one) < all.indexOf(to)),
        );
        const page = last === null ? window.slice(0, first) : window.slice(Math.max(0, window.length - last));
        const [start, end] = [found.indexOf(page[0] as Person), found.indexOf(page.at(-1) as Person)];

        const wanted = { orderBy, matching, first, last };
        const positions = {
          after: from ? positionOf(from, orderBy) : null,
          before: to ? positionOf(to, orderBy) : null,
        };
        const selected = await select(world, { ...wanted, ...positions });

        expect(selected.ids).toEqual(page.map(({ id }) => id));
        if (page.length > 0)
          expect(selected).toMatchObject({ hasPreviousPage: start > 0, hasNextPage: end < found.length - 1 });
      },
    ),
    { numRuns: 1000 },
  );
});

test('in 1,000 worlds that change while they are paged, no member who stays the same is skipped or repeated', async () => {
  const change = fc.record({ kind: fc.constantFrom('join', 'leave', 'rename', 'return'), pick: fc.nat(50), person });
  await fc.assert(
    fc.asyncProperty(
      fc.record({ world: people, orderBy, matching, isBackward: fc.boolean(), size: fc.integer({ min: 1, max: 6 }) }),
      fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 12 }),
      async ({ world: initial, orderBy, matching, isBackward, size }, changes) => {
        let world = initial;
        const seen: string[] = [];
        let position: MemberPosition | null = null;
        for (let turn = 0; ; turn++) {
          const way: Pick<Wanted, 'first' | 'last' | 'after' | 'before'> = isBackward
            ? { first: 0, last: size, after: null, before: position }
            : { first: size, last: null, after: position, before: null };
          const { ids, hasNextPage, hasPreviousPage } = await select(world, { orderBy, matching, ...way });
          if (isBackward) seen.unshift(...ids);
          else seen.push(...ids);
          if (!(isBackward ? hasPreviousPage : hasNextPage)) break;
          const edge = world.find(({ id }) => id === (isBackward ? ids[0] : ids.at(-1))) as Person;
          position = positionOf(edge, orderBy);
          for (const { kind, pick, person } of changes[turn] ?? []) {
            const target = world[pick % Math.max(1, world.length)];
            if (kind === 'join' && !initial.some(({ id }) => id === person.id))
              world = [...world, { ...person, id: `${person.id}+${turn}${pick}` }];
            if (kind === 'join' || !target) continue;
            world = world.filter((one) => one !== target);
            if (kind === 'rename') world = [...world, { ...target, nick: person.nick }];
            if (kind === 'return') world = [...world, { ...target, time: 7 }];
          }
        }
        const stayed = sorted(initial, orderBy).filter(
          (one) => world.includes(one) && matches(one, FOLDED[matching] ?? matching),
        );
        const ids = new Set(stayed.map(({ id }) => id));
        expect(seen.filter((id) => ids.has(id))).toEqual(stayed.map(({ id }) => id));
      },
    ),
    { numRuns: 1000 },
  );
});

test('a list that is longer than is looked at, and one whose pages never end, or lead back, are not complete', async () => {
  const pageOf = (start: string) => ({
    entries: [0, 1].map((n) => ({ user: { id: `u${Number(start) + n}`, profile: null }, followedAt: 1 })),
    next: String(Number(start) + 2),
  });
  const read = (maxMembers: number, maxPages: number) => readMembers(pageOf, { maxMembers, maxPages });
  expect(await read(5, 100)).toMatchObject({ members: { length: 5 }, isComplete: false });
  expect(await read(100, 3)).toMatchObject({ members: { length: 6 }, isComplete: false });
  const starts: string[] = [];
  const pageInCircle = (start: string) => {
    starts.push(start);
    return { ...pageOf(start), next: '2' };
  };
  const circle = await readMembers(pageInCircle, { maxMembers: 100, maxPages: 100 });
  expect(circle).toMatchObject({ members: { length: 4 }, isComplete: false });
  expect(starts).toEqual(['', '2']);
});

test('Chinese nicks are found and sorted by their Pinyin where that is switched on, and not else', async () => {
  const nicks = ['张伟', '曾小贤', 'Bea', '绿茶'];
  const users = nicks.map((nick, n) => ({ id: `u${n}`, profile: profileOf(nick) }));
  const search = async (usesPinyin: boolean, text: string) => {
    const { prepare, nameOf } = createNames(usesPinyin);
    await prepare(users);
    return users.filter((user) => nameOf(user).text.includes(text)).map(({ profile }) => profile.nick);
  };
  expect(await search(true, 'zhangw')).toEqual(['张伟']);
  expect(await search(true, 'zxx')).toEqual(['曾小贤']);
  expect(await search(true, 'lvcha')).toEqual(['绿茶']);
  expect(await search(true, '小')).toEqual(['曾小贤']);
  expect(await search(false, 'zhangw')).toEqual([]);
  const { prepare, nameOf } = createNames(true);
  await prepare(users);
  const keys = users.map((user) => nameOf(user).key);
  expect(keys.toSorted()).toEqual(['bea', 'lvcha', 'zengxiaoxian', 'zhangwei']);
});
