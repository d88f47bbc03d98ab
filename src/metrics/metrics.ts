// What an operator can watch: counters that cost the hot path one addition, turned into Prometheus' words when it reads.
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import type { ReadOutcome, Tier } from '../cache/read-through.ts';
import type { Clock } from '../clock.ts';
import type { CacheKind, CacheObserver } from '../follow/caches.ts';
import type { BreakerState } from '../tencent/breaker.ts';
import type { Command } from '../tencent/wire.ts';
import { type BudgetReading, sampleBudget } from './budget-samples.ts';
import { CALLS_PER_THOUSAND, callsPerThousand, createEconomy } from './economy.ts';
import { createTally, type Sample, sampleGauge } from './samples.ts';
import { createTimes } from './times.ts';

/** What is looked up at the moment of a scrape; null for what this gateway does not have. */
export type Readings = {
  memoryBytes(): Readonly<Record<string, number>>;
  breakers(): Partial<Record<Command, BreakerState>>;
  redisIsUp: (() => boolean) | null;
  budget: BudgetReading | null;
  /** By transport. */
  openSubscriptions?(): Readonly<Record<string, number>>;
};

export type MetricsOptions = {
  clock: Clock;
  /** Names of operations that are worth a line of their own: clients can make up any number of others. */
  knownOperations: readonly string[];
  readings: Readings;
};

export type Metrics = ReturnType<typeof createMetrics>;

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const BATCH_SIZES = [1, 2, 5, 10, 20, 50, 100];
const KINDS = ['page', 'counts', 'profile', 'relation'] as const satisfies CacheKind[];
const OUTCOMES = ['fresh', 'stale', 'absent', 'miss'] as const satisfies ReadOutcome[];
const TIERS = ['memory', 'redis', 'source'] as const satisfies Tier[];
const BREAKER_STATES = ['closed', 'half-open', 'open'] as const satisfies BreakerState[];

/** Creates the counters of one gateway. Nothing is measured of the process before `watchProcess`. */
export function createMetrics({ clock, knownOperations, readings }: MetricsOptions) {
  const registry = new Registry();
  const registers = [registry];
  const known = new Set(knownOperations);
  const economy = createEconomy(clock);
  const nameOf = (operation: string | null) => (operation !== null && known.has(operation) ? operation : 'other');

  const queries = createTally(registry, {
    name: 'follow_gateway_queries_total',
    help: 'GraphQL operations by type (none: not understood), by name (other: not in schema/operations) and by the first error code, or OK.',
    labelNames: ['type', 'operation', 'code'],
  });
  const requestSeconds = createTimes(registry, {
    name: 'follow_gateway_request_duration_seconds',
    help: 'Time from a GraphQL request to the end of its answer, by operation and HTTP status (or aborted).',
    labelNames: ['operation', 'status'],
    buckets: SECONDS,
  });
  const calls = createTally(registry, {
    name: 'follow_gateway_upstream_calls_total',
    help: 'Calls sent upstream, retries included, by outcome: ok, the ErrorCode, or why there was no answer.',
    labelNames: ['command', 'outcome'],
  });
  const callSeconds = createTimes(registry, {
    name: 'follow_gateway_upstream_call_duration_seconds',
    help: 'Time from sending a call upstream to its answer, or to giving up on it.',
    labelNames: ['command'],
    buckets: SECONDS,
  });
  sampleGauge(registry, {
    name: CALLS_PER_THOUSAND.name,
    help: CALLS_PER_THOUSAND.help,
    read: () => [[[], callsPerThousand(economy.recent())]],
  });

  const webhooks = createTally(registry, {
    name: 'follow_gateway_webhooks_total',
    help: 'Webhooks by command (none: unknown, or unproven) and by what became of them: taken, own, duplicate, dropped (too many at once), ignored, malformed, refused.',
    labelNames: ['command', 'outcome'],
  });

  const documents = createTally(registry, {
    name: 'follow_gateway_documents_total',
    help: 'Operations by whether their document is trusted, where TRUSTED_DOCUMENTS is not off: trusted, unknown, or refused.',
    labelNames: ['outcome'],
  });

  const reads = createTally(registry, {
    name: 'follow_gateway_cache_reads_total',
    help: 'Reads by kind, by outcome, and by what answered: memory, redis, or the source itself on a miss.',
    labelNames: ['kind', 'outcome', 'tier'],
  });
  const shared = createTally(registry, {
    name: 'follow_gateway_flights_shared_total',
    help: 'Reads that joined an equal one that was under way.',
    labelNames: ['kind'],
  });
  const batchSizes = new Histogram({
    name: 'follow_gateway_batch_size',
    help: 'Keys in a batch, those included that ride along to be renewed.',
    labelNames: ['kind'],
    buckets: BATCH_SIZES,
    registers,
  });
  sampleGauge(registry, {
    name: 'follow_gateway_memory_bytes',
    help: 'Estimated bytes that the memory tier holds.',
    labelNames: ['kind'],
    read: () => Object.entries(readings.memoryBytes()).map(([kind, bytes]) => [[kind], bytes]),
  });
  sampleGauge(registry, {
    name: 'follow_gateway_breaker_state',
    help: 'Circuit breaker of each command that was ever called: 1 for the state that it is in.',
    labelNames: ['command', 'state'],
    read: () =>
      Object.entries(readings.breakers()).flatMap(([command, current]) =>
        BREAKER_STATES.map((state): Sample => [[command, state], Number(state === current)]),
      ),
  });
  const { redisIsUp, budget, openSubscriptions } = readings;
  if (openSubscriptions) {
    sampleGauge(registry, {
      name: 'follow_gateway_open_subscriptions',
      help: 'Subscriptions that are open now, by transport.',
      labelNames: ['transport'],
      read: () => Object.entries(openSubscriptions()).map(([transport, open]) => [[transport], open]),
    });
  }
  if (redisIsUp) {
    sampleGauge(registry, {
      name: 'follow_gateway_redis_up',
      help: 'Whether Redis answers.',
      read: () => [[[], Number(redisIsUp())]],
    });
  }
  if (budget) sampleBudget(registry, budget);

  // Reads are counted for every user of every list, so their counters are looked up once.
  const readCells = tableOf(KINDS, (kind) =>
    tableOf(OUTCOMES, (outcome) => tableOf(TIERS, (tier) => lazy(() => reads.of(kind, outcome, tier)))),
  );
  const sharedCells = tableOf(KINDS, (kind) => shared.of(kind));
  const batchCells = tableOf(KINDS, (kind) => batchSizes.labels(kind));

  const memory: Required<CacheObserver> = {
    onRead(kind, outcome, tier) {
      readCells[kind][outcome][tier]().count++;
    },
    onShared(kind) {
      sharedCells[kind].count++;
    },
    onBatch(kind, size) {
      batchCells[kind].observe(size);
    },
  };

  return {
    registry,
    /** To be told of all that the memory does. */
    memory,
    /** An operation has its answer; `type` is null when it was not understood, `code` when nothing failed. */
    onQuery(type: string | null, operation: string | null, code: string | null): void {
      queries.of(type ?? 'none', nameOf(operation), code ?? 'OK').count++;
      if (type !== null) economy.noteQuery();
    },
    /** A GraphQL request over HTTP is over. */
    onRequest(operation: string | null, status: number | 'aborted', ms: number): void {
      requestSeconds.of(nameOf(operation), String(status)).observe(ms / 1000);
    },
    /** A call upstream has ended. */
    onCall(command: Command, outcome: string, ms: number): void {
      calls.of(command, outcome).count++;
      callSeconds.of(command).observe(ms / 1000);
      economy.noteCall();
    },
    /** A document was looked at for whether it is trusted. */
    onDocument(outcome: string): void {
      documents.of(outcome).count++;
    },
    /** The upstream, or somebody in its place, has told something. */
    onWebhook(command: string | null, outcome: string): void {
      webhooks.of(command ?? 'none', outcome).count++;
    },
    /** Begins to measure what Node knows of the process: memory, CPU, garbage collection, the event loop. */
    watchProcess(): void {
      collectDefaultMetrics({ register: registry });
    },
  };
}

function tableOf<K extends string, V>(keys: readonly K[], make: (key: K) => V): Record<K, V> {
  // The keys are exactly those that were given.
  return Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<K, V>;
}

/** Combinations that never happen leave no empty line behind. */
function lazy<V>(make: () => V): () => V {
  let made: V | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
