// The composition root: the one file that knows every folder.
import type { Logger } from 'pino';
import { type Authenticate, createAuthentication, createVisibility, type MaySee } from './auth/authentication.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { createContexts } from './context.ts';
import { createDomain } from './domain.ts';
import { ConfigError } from './errors.ts';
import { createCostCheck } from './graph/cost.ts';
import { createServedSchema } from './graph/federation.ts';
import { openRedis } from './redis/connect.ts';
import { createOccasionalReport, type Report } from './report.ts';
import { createAnswerCache } from './server/answer-cache.ts';
import { createClientRateLimit } from './server/client-rate-limit.ts';
import { createCors } from './server/cors.ts';
import { createEventStreams } from './server/event-streams.ts';
import { createGraphiql, readOperationNames } from './server/graphiql.ts';
import { createHttpServer } from './server/http-server.ts';
import { createRequestHandler } from './server/request-handler.ts';
import { createDocuments } from './server/trusted-documents.ts';
import { createWebSockets } from './server/web-socket.ts';
import { createGraphql } from './server/yoga.ts';
import { NO_SPAN } from './span.ts';
import { createLog } from './telemetry/log.ts';
import { createMetrics, METRICS_PATH } from './telemetry/metrics.ts';
import { createBudget } from './tencent/budget/budget.ts';
import { createTencentClient } from './tencent/client.ts';
import { createWebhooks } from './webhooks.ts';

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
  const { log = createLog(config.logLevel), clock = systemClock } = dependencies;
  const { maySee = createVisibility(config.listVisibility) } = dependencies;
  const report: Report = (message, facts, level = 'warn') => log[level](facts, message);
  const usage = config.hive && (await import('./telemetry/usage-reports.ts')).createUsageReports(config.hive, log);
  const tracing = config.traces ? (await import('./telemetry/open-telemetry.ts')).startOpenTelemetry(log) : null;
  /** Neither a collector nor Hive keeps a process from stopping. */
  async function closeReports(): Promise<void> {
    if (!tracing && !usage) return;
    const reported = Promise.allSettled([tracing?.close(), usage?.close()]);
    await Promise.race([reported, systemClock.sleep(LAST_REPORTS_MS)]);
  }
  // Closes what is open by then where the rest cannot be made.
  await using unfinished = new AsyncDisposableStack();
  unfinished.defer(closeReports);
  const redis = await openRedis(config, clock, (up, reason) =>
    up ? log.info({ reason }, 'Redis is back') : log.warn({ reason }, 'Redis is away; carrying on without it'),
  );
  unfinished.defer(() => redis?.link.close());
  const budget = createBudget({ link: null, prefix: '', ...redis, ratePerSecond: config.upstreamRate, clock });
  const metrics =
    config.metricsPort === null
      ? null
      : createMetrics({
          knownOperations: readOperationNames(),
          traces: config.traces,
          log,
          readings: {
            memoryBytes: () => domain.cache.bytes(),
            breakers: () => tencent.breakerStates(),
            redisIsUp: redis?.link.isUp ?? null,
            budget: budget.state,
          },
        });
  const tencent = createTencentClient({ ...config.tencent, clock, report, budget, onCall: metrics?.onCall });
  const domain = createDomain(config, { client: tencent, redis, clock, log, report, metrics });
  const openContext = createContexts({ ...domain, maySee, settings: config, clock });
  const webhook = createWebhooks(config, { events: domain.webhookEvents, clock, report, metrics });

  // For lines with clients' own texts: one each ten minutes.
  const occasionally = createOccasionalReport(report, clock, 600_000);
  const documents = createDocuments(config, occasionally, metrics);
  const schema = createServedSchema(config.federation, config.introspection);
  const checkCost = createCostCheck(schema, config);
  const graphql = createGraphql({ config, schema, openContext, checkCost, documents, metrics, usage, log, clock });
  const problems = documents.read(graphql.check);
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => `TRUSTED_DOCUMENTS_PATH: ${problem}`));

  const authenticate = createAuthentication(config, { clock, report, further: dependencies.authenticate });
  const secondsToWait = createClientRateLimit(config, redis);
  const cors = createCors(config, occasionally);
  const isReady = () => server.isReady();
  const beginSpan = tracing?.begin ?? (() => NO_SPAN);
  const admission = { config, graphql, schema, authenticate, cors, secondsToWait, isReady, beginSpan, log, clock };
  const webSockets = createWebSockets(admission);
  const streams = createEventStreams(clock);
  const graphiql = config.graphiql ? createGraphiql(config) : null;
  const answers = createAnswerCache(domain.cache.isCurrent, clock);
  const handler = createRequestHandler({ ...admission, answers, streams, graphiql, webhook, metrics });
  const leave = () => {
    streams.leave();
    webSockets.leave();
  };
  const server = createHttpServer(handler, clock, { upgrade: webSockets.upgrade, leave });
  const metricsListener = metrics && createHttpServer(metrics.page, clock);
  unfinished.move();

  return {
    /** Starts to accept requests; resolves with the base URL. */
    async listen(): Promise<string> {
      await domain.ready();
      metrics?.watchProcess();
      if (metricsListener && config.metricsPort !== null) {
        const url = await metricsListener.listen(config.metricsPort, config.host);
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
      await metricsListener?.drain(0);
      destroy();
      await closeReports();
    },

    destroy,
  };

  /** Stops at once. */
  function destroy(): void {
    domain.destroy();
    server.destroy();
    metricsListener?.destroy();
    void tencent.close();
    redis?.link.close();
  }
}
