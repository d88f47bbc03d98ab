// The composition root: the one file that knows every folder.
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { Logger } from 'pino';
import type { Authenticate } from './auth/authentication.ts';
import { createVisibility, type MaySee } from './auth/visibility.ts';
import { createRedisLink } from './cache/redis-link.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { createContexts } from './context.ts';
import { createDomain } from './domain.ts';
import { connectRedis, createRedisClient, keyPrefixOf, nodeOf } from './redis.ts';
import { createHttpServer } from './server/http-server.ts';
import { readOperationNames } from './server/starter-operations.ts';
import { createServing } from './serving.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { createMetricsPage, METRICS_PATH } from './telemetry/metrics-page.ts';
import { createTracing } from './telemetry/tracing.ts';
import { createBudget } from './tencent/budget/budget.ts';
import { createTencentClient, type Report } from './tencent/client.ts';
import { connectWebhooks } from './webhooks.ts';

export type Gateway = {
  /** Starts to accept requests; resolves with the base URL. */
  listen(): Promise<string>;
  /**
   * Stops without dropping a request: not ready at once, still serving for SHUTDOWN_DRAIN_MS, then what runs is finished,
   * then connections go.
   */
  close(): Promise<void>;
  /** Stops at once. */
  destroy(): void;
};

export type GatewayDependencies = {
  log: Logger;
  /**
   * A further way to authenticate, tried before those of AUTH; null leaves the request to them. Proxies that cache answers
   * to GET tell viewers apart by the headers of AUTH alone.
   */
  authenticate?: Authenticate;
  clock?: Clock;
  /** Who may see whose lists; the setting LIST_VISIBILITY decides where nothing else does. */
  maySee?: MaySee;
};

/** Builds a whole gateway from its settings. Nothing runs before `listen`. */
export function createGateway(config: Config, dependencies: GatewayDependencies): Gateway {
  const { log, clock = systemClock, maySee = createVisibility(config.listVisibility) } = dependencies;
  const report: Report = (message, facts) => log.warn(facts, message);
  const tracing = createTracing(config.traces, log);
  const prefix = keyPrefixOf(config.tencent.sdkAppId);
  const redis = config.redis && createRedisClient(config.redis.nodes);
  const link =
    redis &&
    createRedisLink({
      redis,
      clock,
      timeoutMs: config.redis?.timeoutMs ?? 0,
      address: config.redis?.nodes[0]?.hostname,
      onChange: (up, reason) =>
        up ? log.info({ reason }, 'Redis is back') : log.warn({ reason }, 'Redis is away; carrying on without it'),
      nodeOf: (key) => nodeOf(redis, key),
    });
  const shared = redis && link && { link, client: redis, prefix };
  const budget = createBudget({ link, prefix, ratePerSecond: config.upstreamRate, clock, report });
  const metrics =
    config.metricsPort === null
      ? null
      : createMetrics({
          knownOperations: readOperationNames(),
          traces: config.traces,
          readings: {
            memoryBytes: () => domain.service.bytes(),
            breakers: () => client.breakerStates(),
            redisIsUp: link?.isUp ?? null,
            budget: budget.state,
            openSubscriptions: () => openSubscriptions(),
          },
        });
  const client = createTencentClient({
    ...config.tencent,
    clock,
    report,
    budget,
    onCall: (command, outcome, ms) => metrics?.onCall(command, outcome, ms),
  });
  const domain = createDomain(config, {
    client,
    redis: shared,
    clock,
    report,
    observer: metrics?.memory,
    onOddEntry: (oddity) => metrics?.onOddEntry(oddity),
    onFlood: (isFlood) =>
      isFlood
        ? log.warn('More webhooks come than an app sends: they are dropped, and fresh times are those without webhooks')
        : log.info('Webhooks are taken again'),
    onBug: (error) => log.error({ err: error }, 'A bug of ours failed a webhook'),
  });
  const settings = { ...config, cursorKey: cursorKeyOf(config) };
  const contexts = createContexts({
    cache: domain.service,
    writer: domain.writer,
    live: domain.subscriptions,
    findKnownFans: domain.findKnownFans,
    maySee,
    settings,
    clock,
    deadlineMs: config.requestDeadlineMs,
  });

  const webhooks = connectWebhooks(config, { events: domain.webhookEvents, clock, report, metrics });
  const { server, openSubscriptions } = createServing(config, {
    contexts,
    isCurrent: domain.service.isCurrent,
    settings,
    webhook: webhooks,
    redis: shared,
    metrics,
    beginSpan: tracing.begin,
    clock,
    log,
    authenticate: dependencies.authenticate,
    report,
  });
  const metricsListener = metrics
    ? createHttpServer(
        createMetricsPage(metrics.registry, (error) => log.error({ err: error }, 'A bug of ours failed the metrics')),
        clock,
      )
    : null;

  return {
    async listen() {
      await tracing.start();
      if (redis) await connectRedis(redis);
      await domain.ready();
      metrics?.watchProcess();
      if (metricsListener && config.metricsPort !== null) {
        const url = await naming('METRICS_PORT', metricsListener.listen(config.metricsPort, config.host));
        log.info({ url: `${url}${METRICS_PATH}` }, 'metrics');
      }
      return server.listen(config.port, config.host);
    },
    async close() {
      await server.drain(config.shutdownDrainMs);
      await domain.close();
      await client.close();
      budget.close();
      domain.destroy();
      link?.close();
      await metricsListener?.drain(0);
      await tracing.close();
    },
    destroy() {
      domain.destroy();
      server.destroy();
      metricsListener?.destroy();
      void client.close();
      budget.close();
      link?.close();
    },
  };
}

/** Lets a failure to listen say which setting is to be changed. */
function naming<T>(setting: string, listening: Promise<T>): Promise<T> {
  return listening.catch((error: Error) => Promise.reject(Object.assign(error, { setting })));
}

/** The same on all replicas of an app: derived from the secret key that they share. */
function cursorKeyOf({ tencent }: Config): KeyObject {
  const key = hkdfSync('sha256', tencent.secretKey, 'follow-gateway', 'item cursor 1', 32);
  return createSecretKey(new Uint8Array(key));
}
