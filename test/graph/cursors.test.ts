// Cursors as clients hold them: opaque, of one list, and refused when they are anything else.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeCursor, encodeCursor } from '../../src/graph/cursor.ts';
import { callCounts, openGateway } from '../support/gateway.ts';
import { type Edge, readPage } from '../support/walk.ts';
import { at, codesOf, openWorld } from './world.ts';

test('a cursor holds whatever cursor the upstream has, in URL-safe characters, with the same bytes each time', () => {
  const position = fc.record({
    start: fc.string({ maxLength: 60, unit: 'binary' }).filter((text) => text.isWellFormed()),
    size: fc.integer({ min: 1, max: 1000 }),
    index: fc.nat(999),
    userId: fc.stringMatching(/^[A-Za-z0-9_-]{1,32}$/),
    followedAt: fc.nat(Number.MAX_SAFE_INTEGER),
  });
  const scope = { userId: 'anna', list: 'fans' } as const;
  fc.assert(
    fc.property(position, (position) => {
      const cursor = encodeCursor('key', scope, position);
      expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(encodeCursor('key', scope, position)).toBe(cursor);
      expect(decodeCursor('key', scope, cursor)).toEqual(position);
    }),
  );
});

const FANS =
  'query ($id: ID!, $first: Int, $after: String) { user(id: $id) { id fans(first: $first, after: $after) { nodes { id } } } }';

async function openWithCursor() {
  const gateway = await openWorld({ people: [] });
  const { world } = gateway;
  world.addFans('anna', 30);
  world.addFans('ben', 30);
  for (const { id } of world.list('anna', 'fans')) world.follow('anna', id);
  const page = await readPage(gateway, 'anna', 'fans', 5, null);
  gateway.sandbox.calls.reset();
  return { gateway, cursor: page.pageInfo.endCursor as string };
}

test('a cursor with any one bit changed is refused', async () => {
  const { gateway, cursor } = await openWithCursor();
  const bytes = Buffer.from(cursor, 'base64url');
  const spoilt = Array.from({ length: bytes.length * 8 }, (_, bit) => {
    const copy = Buffer.from(bytes);
    copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    return copy.toString('base64url');
  });
  expect(spoilt.length).toBeGreaterThan(200);
  for (let from = 0; from < spoilt.length; from += 50) {
    const some = spoilt.slice(from, from + 50);
    const fields = some.map((after, i) => `c${i}: fans(first: 1, after: "${after}") { nodes { id } }`);
    const codes = codesOf(await gateway.query(`{ user(id: "anna") { ${fields.join('\n')} } }`));
    expect(codes?.sort()).toEqual(some.map((_, i) => `user c${i} INVALID_CURSOR`).sort());
  }
  expect(callCounts(gateway)).toEqual({});
});

test.each<[string, (cursor: string) => string]>([
  ['made up', () => 'AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA'],
  ['cut to its beginning', (cursor) => cursor.slice(0, 2)],
  ['empty', () => ''],
  ['oversized', (cursor) => cursor.repeat(400)],
  ['not base64url', (cursor) => `${cursor}!`],
  ['padded', (cursor) => `${cursor}==`],
  ['with its last bits changed', (cursor) => cursor.slice(0, -1) + (cursor.endsWith('B') ? 'C' : 'B')],
])('a cursor that is %s answers INVALID_CURSOR at its field, HTTP 200, and asks nobody', async (_how, spoil) => {
  const { gateway, cursor } = await openWithCursor();
  const response = await gateway.send(FANS, { id: 'anna', after: spoil(cursor) });
  // Data came back beside the error, so GraphQL over HTTP asks for 200.
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    data: { user: { id: 'anna', fans: null } },
    errors: [{ path: ['user', 'fans'], extensions: { code: 'INVALID_CURSOR' } }],
  });
  expect(callCounts(gateway)).toEqual({});
});

/** Lists of which no cursor holds in any other: who asks, whose list it is, its field, and arguments. */
const LISTS: [viewer: string, user: string | null, field: string, args?: string][] = [
  ['anna', 'anna', 'fans'],
  ['anna', 'bert', 'fans'],
  ['anna', 'anna', 'follows'],
  ['anna', 'anna', 'follows', 'orderBy: NICK_ASC'],
  ['anna', 'anna', 'mutuals', 'orderBy: NICK_ASC'],
  ['anna', 'bert', 'knownFans'],
  ['anna', 'cleo', 'knownFans'],
  ['bert', 'cleo', 'knownFans'],
  ['anna', null, 'blockedUsers'],
  ['bert', null, 'blockedUsers'],
  ['anna', null, 'searchUsers', 'text: "crowd"'],
  ['anna', null, 'searchUsers', 'text: "2"'],
];

test('a cursor of one list, user or viewer answers INVALID_CURSOR in every other list, and makes no call', async () => {
  const gateway = await openWorld({ people: [], env: { USER_SEARCH: 'on' } });
  const { world } = gateway;
  for (const id of ['anna', 'bert', 'cleo']) world.addFans(id, 30);
  for (const { id } of world.list('anna', 'fans'))
    for (const viewer of ['anna', 'bert']) {
      world.follow(viewer, id);
      world.setBlocked(viewer, id, true);
    }
  const ask = async ([viewer, user, field, args = '']: (typeof LISTS)[number], after = '') => {
    const list = `list: ${field}(first: 1 ${args} ${after}) { edges { cursor } }`;
    const answer = await gateway.as(viewer).query(user ? `{ user(id: "${user}") { ${list} } }` : `{ ${list} }`);
    const edges = at<Edge[]>(answer.data, user ? 'user.list.edges' : 'list.edges');
    return { codes: codesOf(answer), cursor: edges?.[0]?.cursor };
  };
  const cursors: unknown[] = [];
  for (const list of LISTS) cursors.push((await ask(list)).cursor);
  gateway.sandbox.calls.reset();
  for (const [n, list] of LISTS.entries())
    for (const [m, cursor] of cursors.entries()) {
      const { codes } = await ask(list, `after: "${cursor}"`);
      const expected = n === m ? undefined : [expect.stringMatching(/list INVALID_CURSOR$/)];
      expect(codes, `a cursor of ${LISTS[m]} in ${list}`).toEqual(expected);
    }
  expect(callCounts(gateway)).toEqual({});
});

test('a cursor of a gateway with another secret key answers INVALID_CURSOR; one with the same key takes it', async () => {
  const { cursor } = await openWithCursor();
  const secretKey = 'another key of an app, long enough';
  for (const [options, codes] of [
    [{}, undefined],
    [{ sandbox: { secretKey } }, ['user fans INVALID_CURSOR']],
  ] as const) {
    const gateway = await openGateway(options);
    gateway.sandbox.world.addFans('anna', 30);
    expect(codesOf(await gateway.query(FANS, { id: 'anna', after: cursor }))).toEqual(codes);
  }
});

test('the same page asked twice has equal bytes, also when the upstream is asked again', async () => {
  const gateway = await openWorld({ env: { LIST_FRESH_SECONDS: '0' } });
  gateway.world.addFans('anna', 300);
  const query = '{ user(id: "anna") { fans(first: 100) { edges { cursor } pageInfo { startCursor endCursor } } } }';
  const ask = async () => (await gateway.send(query)).text();
  expect(await ask()).toBe(await ask());
  expect(callCounts(gateway)).toEqual({ follow_get: 2 });
});

test('first and after given as null mean that they were left out', async () => {
  const { gateway } = await openWithCursor();
  const { user } = await gateway.data<{ user: { fans: { nodes: unknown[] } } }>(FANS, {
    ...{ id: 'anna', first: null, after: null },
  });
  expect(user.fans.nodes).toHaveLength(20);
});

test('a cursor that the upstream no longer accepts is INVALID_CURSOR, never a silent restart', async () => {
  const gateway = await openWorld({ config: { chunkSize: 5 }, env: { LIST_FRESH_SECONDS: '0' } });
  gateway.world.addFans('anna', 30);
  const head = await readPage(gateway, 'anna', 'fans', 5, null);
  const page = await readPage(gateway, 'anna', 'fans', 5, head.pageInfo.endCursor);
  gateway.faults.set({ error: { code: 30001, commands: ['follow_get'] } });
  const answer = await gateway.query(FANS, { id: 'anna', after: page.pageInfo.endCursor });
  expect(codesOf(answer)).toEqual(['user fans INVALID_CURSOR']);
  expect(codesOf(await gateway.query(FANS, { id: 'bert' }))).toEqual(['user fans UPSTREAM_UNAVAILABLE']);
});
