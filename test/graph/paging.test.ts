import { describe, expect, test } from 'vitest';
import type { SandboxOptions } from '../../src/sandbox/sandbox.ts';
import { openGateway, type TestGatewayOptions } from '../support/gateway.ts';
import { idsOf, readPage, resumeAfterEach, walkList } from '../support/walk.ts';

const MEMBERS = 1234;
const SIZES = [1, 7, 20, 100, 1000];
const LIMITLESS: SandboxOptions = { emptyWorld: true, rateLimits: Number.POSITIVE_INFINITY };

/** A gateway with a user whom 1,234 people follow, and the truth about them. */
async function openPopular(options: TestGatewayOptions = {}) {
  const gateway = await openGateway({
    ...options,
    env: { MAX_PAGE_SIZE: '1000', ...options.env },
    sandbox: { ...LIMITLESS, ...options.sandbox },
  });
  gateway.sandbox.world.addFans('popular', MEMBERS);
  const members = gateway.sandbox.world.list('popular', 'fans').map(({ id }) => id);
  return { gateway, members };
}

describe.each(SIZES)('a list of 1,234 members walked with first: %i', (first) => {
  test('brings each member exactly once, in upstream order, with the right page info on every page', async () => {
    const { gateway, members } = await openPopular();

    const pages = await walkList(gateway, 'popular', 'fans', first);

    expect(idsOf(pages)).toEqual(members);
    expect(pages).toHaveLength(Math.ceil(MEMBERS / first));
    for (const [number, { edges, pageInfo }] of pages.entries()) {
      expect(pageInfo).toEqual({
        hasNextPage: number < pages.length - 1,
        hasPreviousPage: number > 0,
        startCursor: edges[0]?.cursor,
        endCursor: edges.at(-1)?.cursor,
      });
    }
  });

  test('every edge’s cursor resumes at the next edge', async () => {
    const { gateway, members } = await openPopular();
    const pages = await walkList(gateway, 'popular', 'fans', first);

    const next = await resumeAfterEach(
      gateway,
      'popular',
      'fans',
      pages.flatMap(({ edges }) => edges.map(({ cursor }) => cursor)),
    );

    expect(next).toEqual([...members.slice(1), null]);
  });
});

describe.each([
  ['short pages', { shortPages: { keep: 37 } }],
  ['pages of a single member', { shortPages: { keep: 1 } }],
  ['a missing FollowItem on an extra empty page', { missingFollowItem: true, extraEmptyPage: true }],
  ['duplicates in a page', { duplicates: true }],
  ['unknown fields everywhere', { unknownFields: true }],
  ['plain offsets as cursors', { offsetCursor: true }],
] as const)('an upstream with %s', (_quirk, faults) => {
  test.each([7, 100, 1000])(
    'is walked with first: %i without loss or repetition, and every cursor resumes',
    async (first) => {
      // One request here asks for what lies on 150 pages.
      const { gateway } = await openPopular({ env: { MAX_UPSTREAM_CALLS: '2000' } });
      gateway.sandbox.world.addFans('known', 345);
      const known = gateway.sandbox.world.list('known', 'fans').map(({ id }) => id);
      gateway.sandbox.faults.set(faults);

      const pages = await walkList(gateway, 'known', 'fans', first);
      expect(idsOf(pages)).toEqual(known);

      const next = await resumeAfterEach(
        gateway,
        'known',
        'fans',
        pages.flatMap(({ edges }) => edges.map(({ cursor }) => cursor)),
      );
      expect(next).toEqual([...known.slice(1), null]);
    },
  );
});

test('an upstream that promises one more page and delivers it empty ends the walk with at most one empty page', async () => {
  const { gateway } = await openPopular();
  gateway.sandbox.world.addFans('round', 200);
  gateway.sandbox.faults.set({ extraEmptyPage: true });

  const pages = await walkList(gateway, 'round', 'fans', 100);

  expect(pages.map(({ edges }) => edges.length)).toEqual([100, 100, 0]);
  expect(pages.at(-1)?.pageInfo).toEqual({
    hasNextPage: false,
    hasPreviousPage: true,
    startCursor: null,
    endCursor: null,
  });
});

test.each(['fans', 'follows', 'mutuals'] as const)('%s answers the list of that name', async (list) => {
  const { gateway } = await openPopular();
  const { world } = gateway.sandbox;
  world.addFans('anna', 5);
  for (const id of ['b1', 'b2', 'b3']) world.importAccount(id);
  world.follow('anna', 'b1', 1_700_000_001);
  world.follow('anna', 'b2', 1_700_000_002);
  world.follow('b2', 'anna', 1_700_000_003);
  world.follow('anna', 'crowd_000002', 1_700_000_004);

  const { edges } = await readPage(gateway, 'anna', list, 100, null);

  expect(edges.map(({ node, followedAt }) => [node.id, Date.parse(followedAt) / 1000])).toEqual(
    world.list('anna', list).map(({ id, time }) => [id, time]),
  );
  expect(edges.length).toBeGreaterThan(0);
});

test('first: 0 answers an empty page that still tells whether there are members', async () => {
  const { gateway } = await openPopular();
  const empty = { startCursor: null, endCursor: null, hasPreviousPage: false };

  expect(await readPage(gateway, 'popular', 'fans', 0, null)).toEqual({
    edges: [],
    pageInfo: { ...empty, hasNextPage: true },
  });
  expect(await readPage(gateway, 'popular', 'follows', 0, null)).toEqual({
    edges: [],
    pageInfo: { ...empty, hasNextPage: false },
  });
});

test('an upstream whose cursor never advances is an upstream failure, not an endless walk', async () => {
  const { gateway } = await openPopular();
  gateway.sandbox.faults.set({ stuckCursor: true, shortPages: { keep: 10 } });
  const { edges } = await readPage(gateway, 'popular', 'fans', 10, null);

  const answer = await gateway.query(
    `{ user(id: "popular") { fans(first: 50, after: "${edges[9]?.cursor}") { nodes { id } } } }`,
  );

  expect(answer.errors?.[0]?.extensions.code).toBe('UPSTREAM_UNAVAILABLE');
});

test('an upstream that names ever new pages and puts nobody on them is left after some: what was found, and that more may follow', async () => {
  const { gateway } = await openPopular();
  gateway.sandbox.faults.set({ endlessPages: true });

  const { edges, pageInfo } = await readPage(gateway, 'popular', 'fans', 10, null);

  expect(edges).toEqual([]);
  expect(pageInfo.hasNextPage).toBe(true);
  expect(gateway.sandbox.calls.count()).toBeLessThan(30);
});
