import { describe, expect, test } from 'vitest';
import { callCounts } from '../support/gateway.ts';
import { UNKNOWN_FIELDS } from '../support/sandbox.ts';
import { idsOf, readPage, resumeAfterEach, walkList } from '../support/walk.ts';
import { codesOf, openWorld, type WorldOptions } from './world.ts';

/** A gateway with a user whom that number of people follow. */
async function openPopular(fans = 20, env: WorldOptions['env'] = {}) {
  const gateway = await openWorld({ people: ['known'], env: { MAX_PAGE_SIZE: '1000', ...env } });
  gateway.world.addFans('known', fans);
  return gateway;
}

const NO_QUIRK = 'no quirk';

describe.each([
  [NO_QUIRK, {}],
  ['short pages', { shortPages: { keep: 37 } }],
  ['pages of a single member', { shortPages: { keep: 1 } }],
  ['a missing FollowItem on an extra empty page', { missingFollowItem: true, extraEmptyPage: true }],
  ['duplicates in a page', { duplicates: true }],
  ['unknown fields everywhere', { rewrite: UNKNOWN_FIELDS }],
  ['plain offsets as cursors', { offsetCursor: true }],
] as const)('a list of an upstream with %s', (quirk, faults) => {
  const [members, sizes] = quirk === NO_QUIRK ? [1234, [1, 7, 20, 100, 1000]] : [345, [7, 100, 1000]];

  test.each(sizes)(
    'is walked with first: %i in order, without loss or repetition, and every cursor resumes',
    async (first) => {
      // One request here asks for what lies on 150 pages.
      const gateway = await openPopular(members, { MAX_UPSTREAM_CALLS: '2000' });
      const known = gateway.world.list('known', 'fans').map(({ id }) => id);
      gateway.faults.set(faults);

      const pages = await walkList(gateway, 'known', 'fans', first);
      expect(idsOf(...pages)).toEqual(known);
      // With quirks pages may be short, and the last one empty.
      if (quirk === NO_QUIRK) expect(pages).toHaveLength(Math.ceil(known.length / first));
      expect(pages.slice(0, -1).filter(({ edges }) => edges.length === 0)).toEqual([]);
      for (const [number, { edges, pageInfo }] of pages.entries())
        expect(pageInfo).toEqual({
          hasNextPage: number < pages.length - 1,
          hasPreviousPage: number > 0,
          startCursor: edges[0]?.cursor ?? null,
          endCursor: edges.at(-1)?.cursor ?? null,
        });

      const cursors = pages.flatMap(({ edges }) => edges.map(({ cursor }) => cursor));
      expect(await resumeAfterEach(gateway, 'known', 'fans', cursors)).toEqual([...known.slice(1), null]);
    },
  );
});

test.each(['fans', 'follows', 'mutuals'] as const)('%s answers the list of that name', async (list) => {
  const gateway = await openWorld({
    people: ['known', 'b1', 'b2', 'b3'],
    follows: ['known b1', 'known b2', 'b2 known'],
  });
  gateway.world.addFans('known', 5);
  gateway.world.follow('known', 'crowd_000002', 1_700_000_004);
  const { edges } = await readPage(gateway, 'known', list, 100, null);
  expect(edges.map(({ node, followedAt }) => [node.id, Date.parse(followedAt) / 1000])).toEqual(
    gateway.world.list('known', list).map(({ id, time }) => [id, time]),
  );
  expect(edges.length).toBeGreaterThan(0);
});

test.each([
  ['fans', true],
  ['follows', false],
] as const)(
  'first: 0 of %s answers an empty page that still tells whether there are members',
  async (list, hasNextPage) => {
    const pageInfo = { startCursor: null, endCursor: null, hasPreviousPage: false, hasNextPage };
    expect(await readPage(await openPopular(), 'known', list, 0, null)).toEqual({ edges: [], pageInfo });
  },
);

test('an upstream whose cursor never advances is an upstream failure, not an endless walk', async () => {
  const gateway = await openPopular();
  gateway.faults.set({ stuckCursor: true, shortPages: { keep: 10 } });
  const { edges } = await readPage(gateway, 'known', 'fans', 10, null);
  const query = `{ user(id: "known") { fans(first: 50, after: "${edges[9]?.cursor}") { nodes { id } } } }`;
  expect(codesOf(await gateway.query(query))).toEqual(['user fans UPSTREAM_UNAVAILABLE']);
});

test('an upstream that names ever new pages and puts nobody on them is left after some: what was found, and that more may follow', async () => {
  const gateway = await openPopular();
  gateway.faults.set({ endlessPages: true });
  const { edges, pageInfo } = await readPage(gateway, 'known', 'fans', 10, null);
  expect([edges, pageInfo.hasNextPage]).toEqual([[], true]);
  expect(callCounts(gateway).follow_get).toBeLessThan(30);
});
