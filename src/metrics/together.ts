// The metrics of several workers as one page. What was counted stays counted when a worker dies, or does not answer.
import { AggregatorRegistry, Registry } from 'prom-client';
import { CALLS_PER_THOUSAND, callsPerThousand, type Recent } from './economy.ts';
import { sampleCounter, sampleGauge } from './samples.ts';

type Measured = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** What one worker has measured until now. */
export type Snapshot = { metrics: Measured; recent: Recent };

/** A worker as the page sees it: the same object as long as it lives. */
export type MeasuredWorker = {
  /** Rejects when it does not answer in time. */
  measure(): Promise<Snapshot>;
};

export type TogetherOptions = {
  /** Those that serve now. */
  workers(): readonly MeasuredWorker[];
  /** How many were started in the place of one that had died. */
  restarts(): number;
};

export type Together = Pick<Registry, 'metrics' | 'contentType'>;

/** What only grows, or Prometheus takes it for a new beginning. */
const GROWING = ['counter', 'histogram'];

export function createTogether({ workers, restarts }: TogetherOptions): Together {
  const last = new Map<MeasuredWorker, Snapshot>();
  /** What workers had counted that are gone. */
  let past: Measured[] = [];
  const own = new Registry();
  sampleGauge(own, {
    name: 'follow_gateway_workers',
    help: 'Workers that serve now.',
    read: () => [[[], workers().length]],
  });
  sampleCounter(own, {
    name: 'follow_gateway_worker_restarts_total',
    help: 'Workers that were started in the place of one that had died.',
    read: () => [[[], restarts()]],
  });
  sampleGauge(own, {
    ...CALLS_PER_THOUSAND,
    read: () => {
      const sum = (what: keyof Recent) => [...last.values()].reduce((total, { recent }) => total + recent[what], 0);
      return [[[], callsPerThousand({ queries: sum('queries'), calls: sum('calls') })]];
    },
  });

  /** Who does not answer in time counts with what was measured last. */
  async function measureAll(): Promise<void> {
    const present = workers();
    for (const [worker, { metrics }] of last) {
      if (present.includes(worker)) continue;
      past = [...past, metrics.filter(({ type }) => GROWING.includes(String(type)))];
      last.delete(worker);
    }
    await Promise.all(
      present.map(async (worker) => {
        const snapshot = await worker.measure().catch(() => null);
        // It may have died meanwhile, and have been put with the past by another reader.
        if (snapshot && workers().includes(worker)) last.set(worker, snapshot);
      }),
    );
  }

  return {
    contentType: own.contentType,
    async metrics() {
      await measureAll();
      const before = past;
      const folded = await AggregatorRegistry.aggregate(before).getMetricsAsJSON();
      // Another reader may have folded the same, or found more to fold.
      if (before === past) past = [folded];
      const all = AggregatorRegistry.aggregate([folded, ...[...last.values()].map(({ metrics }) => metrics)]);
      return `${await own.metrics()}\n${await all.metrics()}`;
    },
  };
}
