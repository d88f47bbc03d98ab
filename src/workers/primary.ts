// The process above the workers: it serves no GraphQL, but keeps them alive, passes on what they share, and adds them up.
import type { Logger } from 'pino';
import { withinTime } from '../cache/within-time.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { Config } from '../config.ts';
import type { Listener } from '../http/listener.ts';
import type { MeasuredWorker, Snapshot } from '../metrics/together.ts';
import type { Door } from './cluster.ts';
import { createHub } from './hub.ts';
import { createSupervisor, type ReadyWorker } from './supervisor.ts';

export type Primary = {
  /** Starts all workers; resolves with their URL when all serve. */
  listen(): Promise<string>;
  /** Stops without dropping a request; resolves with whether all workers ended well. */
  close(): Promise<boolean>;
  /** Stops at once. */
  destroy(): void;
};

export type PrimaryOptions = {
  count: number;
  door: Door;
  log: Logger;
  clock?: Clock;
};

/** A worker that is busy for so long is on the page with what it had measured before. */
const MEASURE_MS = 1000;

export function createPrimary(config: Config, { count, door, log, clock = systemClock }: PrimaryOptions): Primary {
  const hub = createHub({ ratePerSecond: config.upstreamRate, most: config.eventLogLength, clock });
  const supervisor = createSupervisor({ count, launch: door.launch, closeDoor: door.close, hub, clock, log });
  const measured = new WeakMap<ReadyWorker, MeasuredWorker>();

  function measuredBy(worker: ReadyWorker): MeasuredWorker {
    const known = measured.get(worker) ?? {
      // The worker runs the same code.
      measure: () => withinTime(clock, MEASURE_MS, worker.peer.ask('measure') as Promise<Snapshot>),
    };
    measured.set(worker, known);
    return known;
  }

  let metrics: Listener | null = null;

  async function serveMetrics(port: number): Promise<void> {
    // Workers start sooner when the process above them has nothing else to load.
    const [{ createListener }, { createMetricsPage, METRICS_PATH }, { createTogether }] = await Promise.all([
      import('../http/listener.ts'),
      import('../metrics/page.ts'),
      import('../metrics/together.ts'),
    ]);
    const together = createTogether({
      workers: () => supervisor.ready().map(measuredBy),
      restarts: supervisor.restarts,
    });
    const page = createMetricsPage(together, (error) => log.error({ err: error }, 'A bug of ours failed the metrics'));
    metrics = createListener(page, clock);
    const url = await metrics
      .listen(port, config.host)
      .catch((error: Error) => Promise.reject(Object.assign(error, { setting: 'METRICS_PORT' })));
    log.info({ url: `${url}${METRICS_PATH}` }, 'metrics');
  }

  return {
    async listen() {
      try {
        const [url] = await Promise.all([
          supervisor.start(),
          config.metricsPort === null ? null : serveMetrics(config.metricsPort),
        ]);
        return url;
      } catch (error) {
        // Workers that are still on their way would complain of a process above that is gone.
        await supervisor.destroy();
        throw error;
      }
    },
    async close() {
      const endedWell = await supervisor.drain(config.drainMs);
      await metrics?.drain(0);
      return endedWell;
    },
    destroy() {
      void supervisor.destroy();
      metrics?.destroy();
    },
  };
}
