// Wires what stands between a client and the graph: HTTP and WebSocket.
import type { Logger } from 'pino';
import { type Authenticate, createAuthentication } from './auth/authentication.ts';
import type { RedisClient } from './cache/redis-link.ts';
import type { Redis } from './cache/tiers.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import type { Contexts } from './context.ts';
import { ConfigError } from './errors.ts';
import { createCostCheck } from './graph/cost.ts';
import { createServedSchema } from './graph/federation.ts';
import { createOccasionalReport, type Report } from './report.ts';
import { createAnswerCache } from './server/answer-cache.ts';
import { createClientRateLimit } from './server/client-rate-limit.ts';
import { createCors } from './server/cors.ts';
import { createEventStreams } from './server/event-streams.ts';
import { createGraphiql } from './server/graphiql.ts';
import { createHttpServer } from './server/http-server.ts';
import { createRequestHandler, type RequestHandlerDependencies } from './server/request-handler.ts';
import { createDocuments } from './server/trusted-documents.ts';
import { createWebSockets } from './server/web-socket.ts';
import { createGraphql } from './server/yoga.ts';
import type { BeginSpan } from './span.ts';
import type { Metrics } from './telemetry/metrics.ts';
import type { UsageReports } from './telemetry/usage-reports.ts';

export type ServingDependencies = {
  contexts: Contexts;
  /** Whether a cache group is still what it was at this generation. */
  isCurrent(group: string, generation: number): boolean;
  webhook: RequestHandlerDependencies['webhook'];
  redis: (Redis & { client: RedisClient }) | null;
  metrics: Metrics | null;
  usage: UsageReports | null;
  beginSpan: BeginSpan;
  clock: Clock;
  log: Logger;
  /** A further way to authenticate. */
  authenticate: Authenticate | undefined;
  report: Report;
};

/** Makes the server; nothing is open before its `listen`. */
export function createServing(config: Config, dependencies: ServingDependencies) {
  const { contexts, isCurrent, webhook, redis, metrics, usage, beginSpan, clock, log, report } = dependencies;
  // Of what clients can make up.
  const occasionally = createOccasionalReport(report, clock, 600_000);
  const documents = createDocuments({ config, report: occasionally, metrics });
  const schema = createServedSchema({ names: config.federation, introspection: config.introspection });
  const checkCost = createCostCheck(schema, config);
  const graphql = createGraphql({ config, schema, contexts, checkCost, documents, metrics, usage, log });
  const problems = documents.read(graphql.check);
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => `TRUSTED_DOCUMENTS_PATH: ${problem}`));

  const authenticate = createAuthentication(config.auth, {
    ...config.tencent,
    userIdPattern: config.userIdPattern,
    clock,
    report,
    further: dependencies.authenticate,
  });
  const secondsToWait = createClientRateLimit(config, redis);
  const cors = createCors(config, occasionally);
  const isReady = () => server.isReady();
  const admission = { config, graphql, authenticate, cors, secondsToWait, isReady, beginSpan, log, clock };
  const webSockets = createWebSockets({ ...admission, schema });
  const streams = createEventStreams(clock);
  const graphiql = config.graphiql ? createGraphiql(config) : null;
  const answers = createAnswerCache(isCurrent, clock);
  const handler = createRequestHandler({ ...admission, answers, streams, graphiql, webhook, metrics });
  const leave = () => {
    streams.leave();
    webSockets.leave();
  };
  const server = createHttpServer(handler, clock, { upgrade: webSockets.upgrade, leave });
  return { server, openSubscriptions: graphql.openSubscriptions };
}
