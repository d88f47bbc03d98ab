// Prometheus metrics of one gateway: what happens is counted, what can be looked up is read at the moment of a scrape.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ReadOutcome, Tier } from '../cache/read-through.ts';
import type { CacheKind, CacheObserver } from '../follow/caches.ts';
import type { BreakerState } from '../tencent/breaker.ts';
import type { BudgetState } from '../tencent/budget/budget.ts';
import type { Command } from '../tencent/wire.ts';

/** Values that are read at the moment of a scrape; null for what this gateway does not have. */
export type Readings = {
  memoryBytes(): Readonly<Record<string, number>>;
  breakers(): Partial<Record<Command, BreakerState>>;
  redisIsUp: (() => boolean) | null;
  budget: () => Partial<Record<Command, BudgetState>>;
  /** By transport. */
  openSubscriptions(): Readonly<Record<string, number>>;
};

export type MetricsOptions = {
  /** Names of operations that have lines of their own: clients can make up any number of others. */
  knownOperations: readonly string[];
  readings: Readings;
};

export type Metrics = ReturnType<typeof createMetrics>;

/** Label values, in the order of the label names, and the value that belongs to them. */
type Sample = [labels: string[], value: number];

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const BATCH_SIZES = [1, 2, 5, 10, 20, 50, 100];
const BREAKER_STATES = ['closed', 'half-open', 'open'] as const satisfies BreakerState[];
/** Error codes are the upstream's: beyond this many, further ones are counted as `other`. */
const MAX_CALL_OUTCOMES = 200;

/** Creates the metrics of one gateway. Nothing is measured of the process before `watchProcess`. */
export function createMetrics({ knownOperations, readings }: MetricsOptions) {
  const registry = new Registry();
  const metric = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) => {
    return { name: `follow_gateway_${name}`, help, labelNames, registers: [registry] };
  };
  const sampled = (Metric: typeof Gauge | typeof Counter, options: ReturnType<typeof metric>, read: () => Sample[]) =>
    new Metric({
      ...options,
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.labels(...labels).inc(value);
      },
    });
  const known = new Set(knownOperations);
  const nameOf = (operation: string | null) => (operation !== null && known.has(operation) ? operation : 'other');

  const queries = new Counter(
    metric(
      'queries_total',
      'GraphQL operations by type (none: not understood), by name (other: not in schema/operations) and by the first error code, or OK.',
      ['type', 'operation', 'code'],
    ),
  );
  const requestSeconds = new Histogram({
    ...metric(
      'request_duration_seconds',
      'Time from a GraphQL request to the end of its answer, by operation and HTTP status (or aborted).',
      ['operation', 'status'],
    ),
    buckets: SECONDS,
  });
  const calls = new Counter(
    metric(
      'upstream_calls_total',
      'Calls sent upstream, retries included, by outcome: ok, the ErrorCode, or why there was no answer.',
      ['command', 'outcome'],
    ),
  );
  const callSeconds = new Histogram({
    ...metric(
      'upstream_call_duration_seconds',
      'Time from sending a call upstream to its answer, or to giving up on it.',
      ['command'],
    ),
    buckets: SECONDS,
  });
  const webhooks = new Counter(
    metric(
      'webhooks_total',
      'Webhooks by command (none: unknown, or unproven) and by outcome: taken, own, duplicate, dropped (too many at once), ignored, malformed, refused.',
      ['command', 'outcome'],
    ),
  );
  const documents = new Counter(
    metric(
      'documents_total',
      'Operations by whether their document is trusted, where TRUSTED_DOCUMENTS is not off: trusted, unknown, or refused.',
      ['outcome'],
    ),
  );
  const reads = new Counter(
    metric(
      'cache_reads_total',
      'Reads by kind, by outcome, and by the tier that answered: memory, redis, or the source itself on a miss.',
      ['kind', 'outcome', 'tier'],
    ),
  );
  const shared = new Counter(
    metric('flights_shared_total', 'Reads that joined an equal one that was under way.', ['kind']),
  );
  const batchSizes = new Histogram({
    ...metric('batch_size', 'Keys in a batch, those included that are renewed in its spare slots.', ['kind']),
    buckets: BATCH_SIZES,
  });

  sampled(Gauge, metric('memory_bytes', 'Estimated bytes that the memory tier holds.', ['kind']), () =>
    Object.entries(readings.memoryBytes()).map(([kind, bytes]) => [[kind], bytes]),
  );
  sampled(
    Gauge,
    metric('breaker_state', 'Circuit breaker of each command that was called: 1 for the state that it is in.', [
      'command',
      'state',
    ]),
    () =>
      Object.entries(readings.breakers()).flatMap(([command, current]) =>
        BREAKER_STATES.map((state): Sample => [[command, state], Number(state === current)]),
      ),
  );
  sampled(Gauge, metric('open_subscriptions', 'Subscriptions that are open now, by transport.', ['transport']), () =>
    Object.entries(readings.openSubscriptions()).map(([transport, open]) => [[transport], open]),
  );
  const { redisIsUp } = readings;
  if (redisIsUp) sampled(Gauge, metric('redis_up', 'Whether Redis answers.'), () => [[[], Number(redisIsUp())]]);
  sampleBudget();

  function sampleBudget(): void {
    const budgets = () => Object.entries(readings.budget());
    const byPriority = (what: 'waiting' | 'admitted' | 'refused') => () =>
      budgets().flatMap(([command, state]) =>
        Object.entries(state[what]).map(([priority, count]): Sample => [[command, priority], count]),
      );
    const byCommand = (what: 'limit' | 'used' | 'shared') => () =>
      budgets().map(([command, state]): Sample => [[command], Number(state[what])]);
    const labels = ['command', 'priority'];
    sampled(Counter, metric('budget_admitted_total', 'Calls that the budget let go.', labels), byPriority('admitted'));
    sampled(
      Counter,
      metric('budget_refused_total', 'Calls that the budget refused, since they had waited too long.', labels),
      byPriority('refused'),
    );
    sampled(Gauge, metric('budget_waiting', 'Calls that wait for the budget now.', labels), byPriority('waiting'));
    sampled(
      Gauge,
      metric('budget_limit', 'Calls that may go in any second now: of all replicas while shared, else of this one.', [
        'command',
      ]),
      byCommand('limit'),
    );
    sampled(
      Gauge,
      metric('budget_used', 'Calls of the last second, as far as this replica knows; of all replicas while shared.', [
        'command',
      ]),
      byCommand('used'),
    );
    sampled(
      Gauge,
      metric('budget_shared', 'Whether the budget is shared with other replicas now; 0 for a local share.', [
        'command',
      ]),
      byCommand('shared'),
    );
  }

  const callOutcomes = new Set<string>();
  function outcomeOf(outcome: string): string {
    if (callOutcomes.size < MAX_CALL_OUTCOMES) callOutcomes.add(outcome);
    return callOutcomes.has(outcome) ? outcome : 'other';
  }

  const memory: Required<CacheObserver> = {
    onRead(kind: CacheKind, outcome: ReadOutcome, tier: Tier) {
      reads.labels(kind, outcome, tier).inc();
    },
    onShared(kind) {
      shared.labels(kind).inc();
    },
    onBatch(kind, size) {
      batchSizes.labels(kind).observe(size);
    },
  };

  return {
    registry,
    /** Observes the caches. */
    memory,
    /** An operation has its answer; `type` is null when it was not understood, `code` when nothing failed. */
    onQuery(type: string | null, operation: string | null, code: string | null): void {
      queries.labels(type ?? 'none', nameOf(operation), code ?? 'OK').inc();
    },
    /** A GraphQL request over HTTP is over. */
    onRequest(operation: string | null, status: number | 'aborted', ms: number): void {
      requestSeconds.labels(nameOf(operation), String(status)).observe(ms / 1000);
    },
    /** A call upstream has ended. */
    onCall(command: Command, outcome: string, ms: number): void {
      calls.labels(command, outcomeOf(outcome)).inc();
      callSeconds.labels(command).observe(ms / 1000);
    },
    /** It is known whether a document is trusted. */
    onDocument(outcome: string): void {
      documents.labels(outcome).inc();
    },
    /** A webhook was taken or refused. */
    onWebhook(command: string | null, outcome: string): void {
      webhooks.labels(command ?? 'none', outcome).inc();
    },
    /** Begins to measure the process: memory, CPU, garbage collection, the event loop. */
    watchProcess(): void {
      collectDefaultMetrics({ register: registry });
    },
  };
}
