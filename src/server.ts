// The composition root: the one file that knows every folder.
import type { Logger } from 'pino';
import type { Authenticate } from './auth/authentication.ts';
import { createVisibility, type MaySee } from './auth/visibility.ts';
import { createRedisLink } from './cache/redis-link.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { createContexts } from './context.ts';
import { createDomain } from './domain.ts';
import { keyPrefixOf, nodeOf } from './redis/client.ts';
import { connectRedis } from './redis/connect.ts';
import { createHttpServer } from './server/http-server.ts';
import { readOperationNames } from './server/starter-operations.ts';
import { createServing } from './serving.ts';
import { NO_SPAN } from './span.ts';
import { createLog } from './telemetry/log.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { createMetricsPage, METRICS_PATH } from './telemetry/metrics-page.ts';
import { createBudget } from './tencent/budget/budget.ts';
import { createTencentClient, type Report } from './tencent/client.ts';
import { connectWebhooks } from './webhooks.ts';

/** How long the last spans and usage reports may take when a gateway stops. */
const LAST_REPORTS_MS = 1000;

export type GatewayDependencies = {
  /** Where log lines go; by default to standard output, as LOG_LEVEL says. */
  log?: Logger;
  /**
   * A further way to authenticate, tried before those of AUTH; null leaves the request to them. Proxies that cache answers
   * to GET tell viewers apart by the headers of AUTH alone.
   */
  authenticate?: Authenticate;
  clock?: Clock;
  /** Who may see whose lists; the setting LIST_VISIBILITY decides where nothing else does. */
  maySee?: MaySee;
};

/** Builds a whole gateway from its settings, once Redis is connected. Nothing else runs before `listen`. */
export async function createGateway(config: Config, dependencies: GatewayDependencies = {}) {
  const { log = createLog(config.logLevel), clock = systemClock, authenticate } = dependencies;
  const { maySee = createVisibility(config.listVisibility) } = dependencies;
  const report: Report = (message, facts, level = 'warn') => log[level](facts, message);
  const usage = config.hive && (await import('./telemetry/usage-reports.ts')).createUsageReports(config.hive, log);
  const tracing = config.traces ? (await import('./telemetry/open-telemetry.ts')).startOpenTelemetry(log) : null;
  const prefix = keyPrefixOf(config.tencent.sdkAppId);
  const client = config.redis && (await connectRedis(config.redis));
  const link =
    client &&
    createRedisLink({
      redis: client,
      clock,
      timeoutMs: config.redis?.timeoutMs ?? 0,
      address: config.redis?.nodes[0]?.hostname,
      onChange: (up, reason) =>
        up ? log.info({ reason }, 'Redis is back') : log.warn({ reason }, 'Redis is away; carrying on without it'),
      nodeOf: (key) => nodeOf(client, key),
    });
  const redis = client && link && { link, client, prefix };
  const budget = createBudget({ link, prefix, ratePerSecond: config.upstreamRate, clock, report });
  const metrics =
    config.metricsPort === null
      ? null
      : createMetrics({
          knownOperations: readOperationNames(),
          traces: config.traces,
          readings: {
            memoryBytes: () => domain.cache.bytes(),
            breakers: () => tencent.breakerStates(),
            redisIsUp: link?.isUp ?? null,
            budget: budget.state,
            openSubscriptions: () => openSubscriptions(),
          },
        });
  const tencent = createTencentClient({ ...config.tencent, clock, report, budget, onCall: metrics?.onCall });
  const domain = createDomain(config, { client: tencent, redis, clock, log, report, metrics });
  const contexts = createContexts({ ...domain, maySee, settings: config, clock });
  const webhook = connectWebhooks(config, { events: domain.webhookEvents, clock, report, metrics });
  const serving = {
    contexts,
    isCurrent: domain.cache.isCurrent,
    webhook,
    redis,
    metrics,
    usage,
    beginSpan: tracing?.begin ?? (() => NO_SPAN),
    clock,
    log,
    authenticate,
    report,
  };
  const { server, openSubscriptions } = createServing(config, serving);
  const metricsPage =
    metrics &&
    createMetricsPage(metrics.registry, (error) => log.error({ err: error }, 'A bug of ours failed the metrics'));
  const metricsListener = metricsPage && createHttpServer(metricsPage, clock);

  return {
    /** Starts to accept requests; resolves with the base URL. */
    async listen(): Promise<string> {
      await domain.ready();
      metrics?.watchProcess();
      if (metricsListener && config.metricsPort !== null) {
        const url = await naming('METRICS_PORT', metricsListener.listen(config.metricsPort, config.host));
        log.info({ url: `${url}${METRICS_PATH}` }, 'metrics');
      }
      return server.listen(config.port, config.host);
    },

    /**
     * Stops without dropping a request: not ready at once, still serving for SHUTDOWN_DRAIN_MS, then what runs is
     * finished, then connections go.
     */
    async close(): Promise<void> {
      await server.drain(config.shutdownDrainMs);
      await domain.close();
      await tencent.close();
      budget.close();
      domain.destroy();
      link?.close();
      await metricsListener?.drain(0);
      // Neither a collector nor Hive keeps a process from stopping.
      const told = Promise.allSettled([tracing?.close(), usage?.close()]);
      await Promise.race([told, systemClock.sleep(LAST_REPORTS_MS)]);
    },

    /** Stops at once. */
    destroy(): void {
      domain.destroy();
      server.destroy();
      metricsListener?.destroy();
      void tencent.close();
      budget.close();
      link?.close();
    },
  };
}

/** Lets a failure to listen say which setting is to be changed. */
function naming<T>(setting: string, listening: Promise<T>): Promise<T> {
  return listening.catch((error: Error) => Promise.reject(Object.assign(error, { setting })));
}
