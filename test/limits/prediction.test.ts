// The prediction against what really happens, for operations that nobody has thought of.
import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { parse } from 'graphql';
import { expect, test } from 'vitest';
import { predict } from '../../src/graph/cost.ts';
import { createServedSchema } from '../../src/graph/federation.ts';
import { personId } from '../../src/sandbox/seed.ts';
import { createHastyClock } from '../support/clock.ts';
import { openHouse } from '../support/house.ts';
import { type OperationKind, randomOperation } from './random-operation.ts';

const VIEWER = personId(3);
const SETTINGS = {
  maxPageSize: 100,
  chunkSize: 100,
  userIdPattern: /^/,
  cursorKey: createSecretKey(Buffer.alloc(32)),
  maxTargets: 100,
  maxUpstreamCalls: 100_000,
  maxValues: 10_000_000,
  knownFansMaxCalls: 10,
};
/** Long enough for everything that is remembered to be forgotten. */
const A_WEEK = 7 * 86_400_000;

type Situation = { kind: OperationKind; env?: Record<string, string>; lagMs?: number; depth?: number };

test.each<[title: string, situation: Situation]>([
  ['queries', { kind: 'query' }],
  ['changes that the upstream shows late', { kind: 'mutation', depth: 1, lagMs: 20_000 }],
  ['references of a router', { kind: 'entities', depth: 1 }],
])(
  'random %s with nothing remembered take no more calls than predicted, but for one batch per command and list',
  async (title, situation) => {
    const { kind, env, lagMs, depth = 2 } = situation;
    const clock = createHastyClock();
    const house = await openHouse({
      clock,
      config: { maxValues: 10_000_000 },
      env: { AUTH: 'development', MAX_UPSTREAM_CALLS: '100000', ...env },
      sandbox: { clock, rateLimits: Number.POSITIVE_INFINITY, people: 300 },
    });
    const few = [1, 2, 3, 40, 150, 299];
    const many = Array.from({ length: 160 }, (_, n) => n + 1);
    const ids = (kind === 'query' ? few : many).map(personId).concat('nobody');
    const cursors = new Map<string, string>();
    for (const id of ids) {
      const { user } = await house
        .data<{ user: { fans: { edges: { cursor: string }[] } | null } | null }>(
          'query ($id: ID!) { user(id: $id) { fans { edges { cursor } } } }',
          { id },
        )
        .catch(() => ({ user: null }));
      cursors.set(id, user?.fans?.edges.at(-1)?.cursor ?? 'made-up');
    }

    if (lagMs) house.sandbox.faults.set({ listsLag: { ms: lagMs }, countsLag: { ms: lagMs } });

    const schema = createServedSchema({ introspection: true });
    const settings = {
      ...SETTINGS,
      embeddedProfile: env?.EMBEDDED_PROFILE === 'partial' ? ('partial' as const) : ('whole' as const),
    };
    const ratios: number[] = [];
    const run = async ({ query, variables }: { query: string; variables: Record<string, unknown> }) => {
      clock.advance(A_WEEK);
      house.sandbox.calls.reset();
      const { errors } = await house.as(VIEWER).query(query, variables);
      // The generator knows the schema: an operation that does not run at all is its own mistake.
      const codes = errors?.map(({ extensions: { code } }) => code) ?? [];
      expect(codes).not.toContain('GRAPHQL_VALIDATION_FAILED');
      if (codes.includes('OPERATION_TOO_EXPENSIVE')) return;
      const predicted = predict(schema, settings, { document: parse(query), variables }, 'calls');
      const made = house.sandbox.calls.count();
      const { follow_get: pages, ...batches } = house.sandbox.calls.summary();
      // Batches are priced by the key: those of the root and of each list may be filled but in part.
      const slack = Object.keys(batches).length * (1 + (pages?.received ?? 0));
      expect(made).toBeLessThanOrEqual(predicted + slack);
      if (made > 0) ratios.push(predicted / made);
    };
    const numRuns = Number(process.env.FUZZ_RUNS) || (kind === 'query' ? 30 : 5);
    await fc.assert(
      fc.asyncProperty(
        randomOperation(ids, (id) => cursors.get(id) as string, depth, kind),
        run,
      ),
      { numRuns, endOnFailure: !process.env.FUZZ_SHRINK },
    );
    expect(ratios.length).toBeGreaterThan(numRuns / 3);
    ratios.sort((a, b) => a - b);
    const median = ratios[Math.floor(ratios.length / 2)] as number;
    console.info(`predicted / actual calls over ${ratios.length} random ${title}: median ${median.toFixed(2)}`);
  },
);
