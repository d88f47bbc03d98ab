import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeCursor, encodeCursor } from '../../src/graph/cursor.ts';
import { openGateway } from '../support/gateway.ts';
import { readPage } from '../support/walk.ts';

const key = createSecretKey(Buffer.alloc(32, 1));
const scope = { userId: 'anna', list: 'fans' } as const;
const position = fc.record({
  start: fc.string({ maxLength: 60, unit: 'binary' }).filter((text) => text.isWellFormed()),
  size: fc.integer({ min: 1, max: 1000 }),
  index: fc.nat(999),
  userId: fc.stringMatching(/^[A-Za-z0-9_-]{1,32}$/),
  followedAt: fc.nat(Number.MAX_SAFE_INTEGER),
});

test('a cursor read back is the position it was written for, in URL-safe characters, with the same bytes each time', () => {
  fc.assert(
    fc.property(position, (position) => {
      const cursor = encodeCursor(key, scope, position);
      expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(encodeCursor(key, scope, position)).toBe(cursor);
      expect(decodeCursor(key, scope, cursor)).toEqual(position);
    }),
  );
});

test('a cursor with any one bit changed is refused', () => {
  fc.assert(
    fc.property(position, fc.nat(), (position, bit) => {
      const bytes = Buffer.from(encodeCursor(key, scope, position), 'base64url');
      const at = bit % (bytes.length * 8);
      bytes.writeUInt8(bytes.readUInt8(at >> 3) ^ (1 << (at & 7)), at >> 3);
      expect(() => decodeCursor(key, scope, bytes.toString('base64url'))).toThrow(
        '"after" is not a cursor of this list',
      );
    }),
  );
});

describe('through the whole gateway', () => {
  const CURSOR_QUERY = 'query ($id: ID!, $after: String) { user(id: $id) { id fans(after: $after) { nodes { id } } } }';

  async function openWithCursor() {
    const gateway = await openGateway({ sandbox: { emptyWorld: true } });
    const { world } = gateway.sandbox;
    world.addFans('anna', 30);
    world.addFans('ben', 30);
    for (const { id } of world.list('anna', 'fans')) world.follow('anna', id);
    const page = await readPage(gateway, 'anna', 'fans', 5, null);
    gateway.sandbox.calls.reset();
    return { gateway, cursor: page.pageInfo.endCursor as string };
  }

  const spoil: Record<string, (cursor: string) => string> = {
    'made up': () => 'AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA',
    truncated: (cursor) => cursor.slice(0, -4),
    'cut to its version': (cursor) => cursor.slice(0, 2),
    empty: () => '',
    oversized: (cursor) => cursor.repeat(400),
    'not base64url': (cursor) => `${cursor}!`,
    padded: (cursor) => `${cursor}==`,
    'with its last bits changed': (cursor) => cursor.slice(0, -1) + (cursor.endsWith('B') ? 'C' : 'B'),
    'a letter longer': (cursor) => `${cursor}A`,
    'the number of an offset': () => '20',
    'a NUL': () => '\0',
  };

  test.each(Object.keys(spoil))(
    'a cursor that is %s answers INVALID_CURSOR at its field, HTTP 200, and asks nobody',
    async (how) => {
      const { gateway, cursor } = await openWithCursor();

      const response = await gateway.send(CURSOR_QUERY, { id: 'anna', after: spoil[how]?.(cursor) });

      // Data came back beside the error, so GraphQL over HTTP asks for 200.
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({
        data: { user: { id: 'anna', fans: null } },
        errors: [{ path: ['user', 'fans'], extensions: { code: 'INVALID_CURSOR' } }],
      });
      expect(gateway.sandbox.calls.count()).toBe(0);
    },
  );

  test('a cursor of another user or another list answers INVALID_CURSOR and makes no call', async () => {
    const { gateway, cursor } = await openWithCursor();

    const answer = await gateway.query(
      `query ($after: String) {
        other: user(id: "ben") { fans(after: $after) { nodes { id } } }
        list: user(id: "anna") { follows(after: $after) { nodes { id } } }
      }`,
      { after: cursor },
    );

    expect(answer.errors?.map(({ path, extensions }) => [path?.join('.'), extensions.code])).toEqual([
      ['other.fans', 'INVALID_CURSOR'],
      ['list.follows', 'INVALID_CURSOR'],
    ]);
    expect(gateway.sandbox.calls.count()).toBe(0);
  });

  test('a cursor of a gateway with another secret key answers INVALID_CURSOR; one with the same key takes it', async () => {
    const { cursor } = await openWithCursor();
    const same = await openGateway({ sandbox: { emptyWorld: true } });
    const TENCENT_SECRET_KEY = 'another key of an app, long enough';
    const other = await openGateway({
      sandbox: { emptyWorld: true, secretKey: TENCENT_SECRET_KEY },
      env: { TENCENT_SECRET_KEY },
    });
    for (const { sandbox } of [same, other]) sandbox.world.addFans('anna', 30);

    expect((await same.query(CURSOR_QUERY, { id: 'anna', after: cursor })).errors).toBeUndefined();
    expect((await other.query(CURSOR_QUERY, { id: 'anna', after: cursor })).errors?.[0]?.extensions.code).toBe(
      'INVALID_CURSOR',
    );
  });

  test('the same page asked twice has equal bytes, also when the upstream is asked again', async () => {
    const gateway = await openGateway({ sandbox: { emptyWorld: true }, env: { LIST_FRESH_SECONDS: '0' } });
    gateway.sandbox.world.addFans('anna', 300);
    const ask = async () =>
      (
        await gateway.send(
          '{ user(id: "anna") { fans(first: 100) { edges { cursor } pageInfo { startCursor endCursor } } } }',
        )
      ).text();

    const [first, second] = [await ask(), await ask()];

    expect(second).toBe(first);
    expect(gateway.sandbox.calls.count()).toBe(2);
  });

  test.each([
    ['-1', -1],
    ['above the maximum', 101],
    ['far above', 2_000_000_000],
  ])('first %s is BAD_USER_INPUT and makes no call', async (_case, first) => {
    const { gateway } = await openWithCursor();

    const { errors, data } = await gateway.query(
      'query ($first: Int) { user(id: "anna") { fans(first: $first) { nodes { id } } } }',
      { first },
    );

    expect(data).toEqual({ user: { fans: null } });
    expect(errors?.[0]).toMatchObject({ path: ['user', 'fans'], extensions: { code: 'BAD_USER_INPUT' } });
    expect(gateway.sandbox.calls.count()).toBe(0);
  });

  test('first and after given as null mean that they were left out', async () => {
    const { gateway } = await openWithCursor();
    const { user } = await gateway.data<{ user: { fans: { nodes: unknown[] } } }>(
      '{ user(id: "anna") { fans(first: null, after: null) { nodes { id } } } }',
    );
    expect(user.fans.nodes).toHaveLength(20);
  });

  test('a cursor that the upstream no longer accepts is INVALID_CURSOR, never a silent restart', async () => {
    const gateway = await openGateway({
      sandbox: { emptyWorld: true },
      config: { chunkSize: 5 },
      env: { LIST_FRESH_SECONDS: '0' },
    });
    gateway.sandbox.world.addFans('anna', 30);
    const head = await readPage(gateway, 'anna', 'fans', 5, null);
    const page = await readPage(gateway, 'anna', 'fans', 5, head.pageInfo.endCursor);
    gateway.sandbox.faults.set({ error: { code: 30001, commands: ['follow_get'] } });

    const { errors } = await gateway.query(CURSOR_QUERY, { id: 'anna', after: page.pageInfo.endCursor });

    expect(errors?.[0]?.extensions.code).toBe('INVALID_CURSOR');
  });
});
