// While the world changes at random, a gateway that keeps answers and one that does not say the same, byte by byte.

import { createHash } from 'node:crypto';
import { parse } from 'graphql';
import { expect, test } from 'vitest';
import { dependsOnViewer } from '../../src/graph/viewer-fields.ts';
import { type Asked, isKept, type Keeping, trustedText } from './keeping.ts';
import { openPair, type Pair } from './pair.ts';

const NAMES = ['01', '02', '03', '04', '05', '06', '07', '08', '09'];
const TEXTS = NAMES.map(trustedText);
const PUBLIC = TEXTS.filter((text) => !dependsOnViewer(parse(text)));

const PEOPLE = ['star', 'anna', 'bert', 'cleo', 'dora'];
/** Not there at first, and now and then. */
const GHOST = 'ghost';
const IDS = [...PEOPLE, GHOST, 'crowd_000001', 'crowd_000105'];

/** Numbers from 0 on below `end`, the same ones for the same seed. */
function createDice(seed: string) {
  let rolls = 0;
  const roll = (end: number): number => createHash('sha256').update(`${seed} ${rolls++}`).digest().readUInt32BE() % end;
  return { roll, pick: <T>(all: readonly T[]): T => all[roll(all.length)] as T };
}
type Dice = ReturnType<typeof createDice>;

/** What has been asked and seen, so that it is asked again, and pages are gone on with. */
type Past = { bodies: object[]; cursors: string[] };

function variablesOf({ roll, pick }: Dice, { cursors }: Past): Record<string, unknown> {
  const variables: Record<string, unknown> = { userId: pick(IDS), id: pick(IDS) };
  if (roll(4) > 0) variables.first = pick([0, 1, 2, 3, 20, 100, null]);
  if (roll(3) === 0) variables.after = cursors.length > 0 ? pick(cursors) : null;
  variables.userIds = Array.from({ length: roll(6) }, () => pick(IDS));
  if (roll(8) === 0) variables.unknown = roll(1000);
  return variables;
}

/** What two answers must have alike: all bytes, but for which call told of a failure, since the other may have come later. */
function said({ status, text, answer: { errors, ...answer } }: Asked): object {
  if (!errors) return { status, text };
  return { status, ...answer, errors: errors.map(({ path, extensions }) => `${path} ${extensions.code}`).sort() };
}

/** Something that happens in both worlds alike. */
function drawChange({ roll, pick }: Dice, { clock, both }: Pair): [string, () => Promise<unknown>] {
  const [from, to] = [pick(PEOPLE), pick([...PEOPLE, 'crowd_000001'])];
  const field = pick(['followUsers', 'unfollowUsers']);
  const nick = { Tag_Profile_IM_Nick: `Nick ${roll(10_000)}`, Tag_Profile_IM_SelfSignature: '签名' };
  const told = (act: (house: Keeping) => unknown) => () =>
    both(async (house) => {
      act(house);
      await house.sandbox.webhooks.settled();
    });
  const silent = (act: (house: Keeping) => unknown) => () => both((house) => void act(house));
  const time = (seconds: number) => async () => {
    clock.advance(seconds * 1000);
    await both(() => {});
  };
  const changes: [string, () => Promise<unknown>][] = [
    [`${from} follows ${to} in an app`, told(({ sandbox }) => sandbox.act.follow(from, to))],
    [`${from} leaves ${to} in an app`, told(({ sandbox }) => sandbox.act.unfollow(from, to))],
    [`${from} is called ${nick.Tag_Profile_IM_Nick}`, told(({ sandbox }) => sandbox.act.setProfile(from, nick))],
    [
      `${field} ${to} by ${from}`,
      () =>
        both((house) =>
          house
            .as(from)
            .query(`mutation { ${field}(input: { userIds: ["${to}"] }) { results { __typename } viewer { id } } }`),
        ),
    ],
    [`${from} follows ${to} unheard`, silent(({ sandbox }) => sandbox.world.follow(from, to))],
    [`${from} is called another name unheard`, silent(({ sandbox }) => sandbox.world.setProfile(from, nick))],
    [
      'the ghost comes or goes',
      silent(({ sandbox: { world } }) =>
        world.has(GHOST) ? world.removeAccount(GHOST) : world.importAccount(GHOST, nick),
      ),
    ],
    ['the upstream goes away', silent(({ sandbox }) => sandbox.faults.set({ httpError: true }))],
    ['the upstream is well', silent(({ sandbox }) => sandbox.faults.reset())],
    [
      'the upstream is behind',
      silent(({ sandbox }) => sandbox.faults.set({ countsLag: { ms: 5000 }, listsLag: { ms: 5000 } })),
    ],
    ['the upstream tells of nothing', silent(({ sandbox }) => sandbox.faults.set({ webhookDrop: true }))],
    ...[1, 16, 31, 32, 61, 601, 3601].map((seconds): [string, () => Promise<unknown>] => [
      `${seconds} s pass`,
      time(seconds),
    ]),
  ];
  return pick(changes);
}

function noteCursors(past: Past, text: string): void {
  for (const [, cursor] of text.matchAll(/"(?:cursor|endCursor)":"([^"]+)"/g)) {
    past.cursors.push(cursor as string);
    if (past.cursors.length > 30) past.cursors.shift();
  }
}

test.each<[string, Record<string, string>, number]>([
  ['1', {}, 60],
  ['2', { WRITE_LAG_SECONDS: '0' }, 60],
  ['3', { EMBEDDED_PROFILE: 'partial', PROFILE_FRESH_SECONDS: '20' }, 60],
  ['4', { LIST_FRESH_SECONDS: '5', COUNTS_FRESH_SECONDS: '60', ABSENT_FRESH_SECONDS: '2' }, 60],
  [
    '5',
    { PUBLIC_OPERATIONS: 'FansScreen,FollowsScreen,MutualsScreen,ProfileHeader,PeopleById,RefetchNode,ViewerScreen' },
    60,
  ],
])('with the seed %s', async (seed, env, rounds) => {
  const pair = await openPair(env);
  const dice = createDice(seed);
  const past: Past = { bodies: [], cursors: [] };
  await pair.both(({ sandbox: { world } }) => {
    world.addFans('star', 120);
    for (const id of PEOPLE) if (id !== 'star') world.importAccount(id, { Tag_Profile_IM_Nick: `Own ${id}` });
    for (const id of ['anna', 'bert']) world.follow(id, 'star');
    world.follow('star', 'anna');
  });
  const history: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const [title, change] = drawChange(dice, pair);
    history.push(title);
    await change();
    for (let question = 0; question < 6; question++) {
      const isNew = past.bodies.length < 5 || dice.roll(3) === 0;
      const query = dice.pick(dice.roll(4) === 0 ? TEXTS : PUBLIC);
      const body = isNew ? { query, variables: variablesOf(dice, past) } : dice.pick(past.bodies.slice(-12));
      if (isNew) past.bodies.push(body);
      const headers: Record<string, string> = dice.roll(4) === 0 ? { 'x-viewer-id': dice.pick(PEOPLE) } : {};
      for (let times = 0; times < 3; times++) {
        const [kept, made] = await pair.ask(body, headers);
        const asked = { body, headers, history: history.slice(-5) };
        expect({ ...said(kept), asked }).toEqual({ ...said(made), asked });
        noteCursors(past, kept.text);
      }
    }
  }
  // All that is asked of the upstream is asked alike: what is kept neither saves a call nor costs one.
  expect(pair.keeping.sandbox.calls.summary()).toEqual(pair.plain.sandbox.calls.summary());
  await pair.both(({ sandbox }) => sandbox.faults.reset());
  pair.clock.advance(600_000);
  const body = { query: TEXTS[0] as string, variables: { userId: 'star' } };
  for (let times = 0; times < 5; times++) await pair.ask(body);
  expect([await isKept(pair.keeping, body), await isKept(pair.plain, body)]).toEqual([true, false]);
});
