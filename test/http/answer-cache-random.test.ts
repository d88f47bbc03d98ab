// Whatever happens, an answer that was kept is the one that would be made now, for this viewer.
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { openTwo } from '../graph/world.ts';
import type { Replica } from '../support/gateway.ts';

const PEOPLE = ['ana', 'bo', 'cy', 'di'];
// Each rests on other groups of cached values, some on one alone.
const QUERIES = [
  'query ($id: ID!) { user(id: $id) { nick } }',
  'query ($id: ID!) { user(id: $id) { fansCount } }',
  'query ($id: ID!) { user(id: $id) { mutuals { nodes { id } } } }',
  'query ($id: ID!) { user(id: $id) { viewerIsFollowing } }',
  'query ($id: ID!) { user(id: $id) { fans(first: 2) { totalCount nodes { id nick } pageInfo { hasNextPage } } } }',
  'query ($id: ID!) { user(id: $id) { follows { nodes { id viewerIsFollowing } } mutuals { nodes { id } } } }',
  'query ($id: ID!) { user(id: $id) { viewerIsFollowing isFollowingViewer relationTo(userId: "ana") } }',
  '{ viewer { id nick followsCount follows { nodes { id isFollowingViewer } } } }',
];

const person = fc.constantFrom(...PEOPLE);
const viewer = fc.constantFrom(null, 'ana', 'bo');
const replica = fc.integer({ min: 0, max: 1 });
const pair = fc
  .record({ kind: fc.constantFrom('follow' as const, 'unfollow' as const), from: person, to: person })
  .filter(({ from, to }) => from !== to);
const step = fc.oneof(
  {
    weight: 7,
    arbitrary: fc.record({
      type: fc.constant('ask' as const),
      id: fc.constantFrom('ana', 'bo', 'nobody'),
      viewer,
      replica,
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('mutate' as const), pair, replica }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('webhook' as const), pair }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('rename' as const), id: person, nick: fc.nat(99) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('outage' as const), isDown: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 40_000 }) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
type Ask = Step & { type: 'ask' };

async function openReplicas() {
  const { gateway, other, clock } = await openTwo({ people: PEOPLE, hasWebhooks: true });
  const { sandbox } = gateway;
  for (const id of PEOPLE) sandbox.world.setProfile(id, { Tag_Profile_IM_Nick: id });
  const replicas: Replica[] = [gateway, other];
  let asked = 0;

  /** An answer to a body that was asked before, or to one that never was: by a variable that means nothing. */
  async function answer(step: Ask, query: string, isNew: boolean) {
    const { id } = step;
    const asking = replicas[step.replica] as Replica;
    const from = step.viewer === null ? asking : asking.as(step.viewer);
    const { data, errors, extensions } = await from.query(query, isNew ? { id, asked: ++asked } : { id });
    return { data, codes: errors?.map((error) => error.extensions.code), isStale: extensions?.freshness !== undefined };
  }

  /** What is being read again in the background, or told to the other replica, may come between the two. */
  const keptIsMade = (step: Ask) => (query: string) =>
    vi.waitFor(async () => expect(await answer(step, query, false)).toEqual(await answer(step, query, true)), 5000);

  async function run(step: Step): Promise<unknown> {
    if (step.type === 'ask') return Promise.all(QUERIES.map(keptIsMade(step)));
    if (step.type === 'time') return clock.advance(step.ms);
    if (step.type === 'outage') return sandbox.faults.set({ error: step.isDown ? { code: 30005 } : null });
    if (step.type === 'mutate') {
      const { kind, from, to } = step.pair;
      const mutation = `mutation { ${kind}Users(input: { userIds: ["${to}"] }) { results { __typename } } }`;
      return (replicas[step.replica] as Replica).as(from).query(mutation);
    }
    if (step.type === 'rename') sandbox.act.setProfile(step.id, { Tag_Profile_IM_Nick: `${step.id} ${step.nick}` });
    else sandbox.act[step.pair.kind](step.pair.from, step.pair.to);
    return sandbox.webhooks.settled();
  }
  return { run };
}

test('every kept answer is the one that would be made now, and is given to its viewer alone', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 100, maxLength: 140 }), async (steps) => {
      const { run } = await openReplicas();
      for (const step of steps) await run(step);
    }),
    { numRuns: 2, endOnFailure: true },
  );
}, 120_000);
