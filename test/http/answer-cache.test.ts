// Answers that are kept as bytes: they are what an execution at that moment would answer, to each viewer their own.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createHastyClock } from '../support/clock.ts';
import { type Answer, openHouse } from '../support/house.ts';
import { post } from './requests.ts';

const IDS = ['anna', 'bert', 'star'];
const QUERIES = [
  '{ viewer { id followsCount } user(id: "star") { id nick fansCount } }',
  '{ user(id: "star") { fans { totalCount nodes { id nick viewerIsFollowing } } } }',
  '{ user(id: "anna") { follows { nodes { id isFollowingViewer } } relationTo(userId: "star") } }',
  '{ users(ids: ["anna", "bert", "ghost"]) { id nick mutualsCount } }',
];

async function open() {
  const clock = createHastyClock();
  const house = await openHouse({ clock, env: { AUTH: 'development' }, sandbox: { emptyWorld: true, clock } });
  for (const id of IDS) house.sandbox.world.importAccount(id, { Tag_Profile_IM_Nick: id });
  const ask = async (query: string, viewer: string | null, accept = 'application/json') => {
    const headers = { accept, ...(viewer && { 'x-viewer-id': viewer }) };
    return (await (await post(house, JSON.stringify({ query }), 'application/json', headers)).json()) as Answer;
  };
  let asked = 0;
  /** The same question in other bytes, which nobody has asked before. */
  const execute = (query: string, viewer: string | null) => ask(`${query} # ${++asked}`, viewer);
  return { house, clock, ask, execute };
}

/** What must be equal: the words and the attempts of two failures may differ. */
const seen = ({ data, errors, extensions }: Answer) => ({
  data,
  codes: errors?.map((error) => error.extensions.code).sort(),
  isStale: extensions?.freshness !== undefined,
});

const viewers = fc.constantFrom<string | null>(null, ...IDS);
const ids = fc.constantFrom(...IDS);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('ask' as const), query: fc.nat(3), viewer: viewers }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('follow', 'unfollow'), viewer: ids, target: ids }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('elsewhere'), viewer: ids, target: ids }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('pass'), ms: fc.integer({ min: 1, max: 40_000 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('outage'), isOut: fc.boolean() }) },
);

test('every answer equals what an execution gives at that moment', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
      const { house, clock, ask, execute } = await open();
      for (const step of steps) {
        if ('query' in step) {
          const query = QUERIES[step.query] as string;
          await ask(query, step.viewer);
          const expected = seen(await execute(query, step.viewer));
          expect(seen(await ask(query, step.viewer))).toEqual(expected);
        } else if ('ms' in step) clock.advance(step.ms);
        else if ('isOut' in step) house.sandbox.faults.set({ reset: step.isOut || null });
        else if (step.kind === 'elsewhere') house.sandbox.world.follow(step.viewer, step.target);
        else {
          const field = step.kind === 'follow' ? 'followUsers' : 'unfollowUsers';
          await ask(`mutation { ${field}(input: { userIds: ["${step.target}"] }) { viewer { id } } }`, step.viewer);
        }
      }
      await house.gateway.close();
    }),
    { numRuns: 5 },
  );
});

describe('a kept answer', () => {
  test('costs no execution, and is in the log like any other', async () => {
    const { house, ask } = await open();
    for (let i = 0; i < 3; i++) await ask('query Screen { user(id: "star") { nick } }', null);
    const calls = house.sandbox.calls.count();
    expect(calls).toBe(1);
    const lines = house.logLines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request');
    expect(lines.map(({ operationName }) => operationName)).toEqual(['Screen', 'Screen', 'Screen']);
  });

  test('is no other viewer’s, and of the type that is accepted', async () => {
    const { house, ask } = await open();
    const query = '{ viewer { id } }';
    for (const viewer of [...IDS, null, ...IDS, null])
      expect(await ask(query, viewer)).toEqual({ data: { viewer: viewer && { id: viewer } } });
    for (const accept of ['application/json', 'application/graphql-response+json', 'application/json']) {
      const response = await post(house, JSON.stringify({ query }), 'application/json', { accept });
      expect(response.headers.get('content-type')).toContain(accept);
    }
  });

  test('ends with a change that its viewer makes', async () => {
    const { ask } = await open();
    const query = '{ user(id: "star") { viewerIsFollowing fans { nodes { id } } } }';
    for (let i = 0; i < 2; i++)
      expect(await ask(query, 'anna')).toEqual({ data: { user: { viewerIsFollowing: false, fans: { nodes: [] } } } });
    await ask('mutation { followUsers(input: { userIds: ["star"] }) { viewer { id } } }', 'anna');
    const after = { data: { user: { viewerIsFollowing: true, fans: { nodes: [{ id: 'anna' }] } } } };
    expect(await ask(query, 'anna')).toEqual(after);
  });
});
