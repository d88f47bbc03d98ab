// Wires what stands between a client and the graph: HTTP and WebSocket.
import type { Logger } from 'pino';
import { type Authenticate, createAuthentication } from './auth/authentication.ts';
import { VIEWER_HEADER } from './auth/trusted-header.ts';
import type { RedisClient, RedisLink } from './cache/redis-link.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import type { Contexts, GraphSettings } from './context.ts';
import { ConfigError } from './errors.ts';
import { createCostCheck } from './graph/cost.ts';
import { createServedSchema } from './graph/federation.ts';
import { createAnswerCache } from './server/answer-cache.ts';
import { createClientRateLimit } from './server/client-rate-limit.ts';
import { createCors } from './server/cors.ts';
import { createEventStreams } from './server/event-streams.ts';
import { createGraphiql } from './server/graphiql.ts';
import { createHttpServer } from './server/http-server.ts';
import { createRequestHandler, type RequestHandlerDependencies } from './server/request-handler.ts';
import { endOperation, endRequest } from './server/spans.ts';
import { readStarterOperations } from './server/starter-operations.ts';
import { createDocuments } from './server/trusted-documents.ts';
import { createWebSockets } from './server/web-socket.ts';
import { createGraphql, GRAPHQL_PATH } from './server/yoga.ts';
import type { BeginSpan } from './span.ts';
import type { Metrics } from './telemetry/metrics.ts';
import type { Report } from './tencent/client.ts';

export type ServingDependencies = {
  contexts: Contexts;
  /** Whether a cache group is still what it was at this generation. */
  isCurrent(group: string, generation: number): boolean;
  settings: GraphSettings;
  webhook: RequestHandlerDependencies['webhook'];
  redis: { link: RedisLink; client: RedisClient; prefix: string } | null;
  metrics: Metrics | null;
  beginSpan: BeginSpan;
  clock: Clock;
  log: Logger;
  /** A further way to authenticate. */
  authenticate: Authenticate | undefined;
  report: Report;
};

/** Makes the server; nothing is open before its `listen`. */
export function createServing(config: Config, dependencies: ServingDependencies) {
  const { contexts, isCurrent, settings, webhook } = dependencies;
  const { redis, metrics, beginSpan, clock, log, report } = dependencies;
  const documents = createDocuments({
    config,
    clock,
    onDocument: (outcome) => metrics?.onDocument(outcome),
    onUnknown: (document, outcome) =>
      log.warn(document, `A document that is not trusted was ${outcome === 'refused' ? 'refused' : 'asked for'}`),
  });
  const schema = createServedSchema({ names: config.federation, introspection: config.introspection });
  const graphql = createGraphql({
    config,
    schema,
    contexts,
    checkCost: createCostCheck(schema, settings),
    documents,
    onOperation(state) {
      const { operationType, operationName, errorCodes } = state;
      metrics?.onQuery(operationType, operationName, errorCodes.values().next().value ?? null);
      endOperation(state);
    },
    onBug: (error) => log.error({ err: error }, 'A bug of ours failed a field'),
  });
  const problems = documents.read(graphql.check);
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => `TRUSTED_DOCUMENTS_PATH: ${problem}`));

  const authenticate = createAuthentication(config.auth, {
    ...config.tencent,
    userIdPattern: config.userIdPattern,
    clock,
    report,
    further: dependencies.authenticate,
  });
  const developmentHeader = developmentHeaderOf(config);
  // Plain http is taken for this machine alone.
  const isSandbox = config.tencent.baseUrl.startsWith('http:');
  const secondsToWait = createClientRateLimit({
    perMinute: config.rateLimitPerMinute,
    trustProxy: config.trustProxy,
    redis,
  });
  const cors = createCors({
    origins: config.corsOrigins,
    allowsLoopback: isSandbox && !config.production,
    headers: config.corsHeaders,
    onRefused: (origin) =>
      log.warn({ origin }, 'A page of an origin that CORS_ORIGINS does not name was refused: name it to let it in'),
    credentials: config.auth.header !== null,
    viewerHeader: developmentHeader,
  });
  const webSockets = createWebSockets({
    cors,
    graphql,
    schema,
    authenticate,
    secondsToWait,
    isReady: () => server.isReady(),
    beginSpan,
    onOperation: (line) => log.info(line, 'operation'),
    onFault: (error) => log.error({ err: error }, 'A bug of ours failed a WebSocket'),
    maxBodyBytes: config.maxBodyBytes,
    maxResponseBytes: config.maxResponseBytes,
    maxConnections: config.maxSubscriptions,
    clock,
  });
  const streams = createEventStreams(clock);
  const handler = createRequestHandler({
    graphql,
    answers: createAnswerCache({ isCurrent, clock }),
    streams,
    graphiql: config.graphiql
      ? createGraphiql({
          operations: readStarterOperations(),
          viewerHeader: developmentHeader,
          sandboxOrigin: isSandbox ? config.tencent.baseUrl : null,
        })
      : null,
    authenticate,
    webhook,
    cors,
    secondsToWait,
    isReady: () => server.isReady(),
    beginSpan,
    onRequest(line, span) {
      // Every change in the app is a webhook; and the path by which the upstream sends them is a secret.
      const isWebhook = line.path === webhook?.path;
      const told = isWebhook ? { ...line, path: 'webhook' } : line;
      endRequest(span, told);
      if (isWebhook) return log.debug(told, 'webhook');
      log.info(line, 'request');
      if (line.path !== GRAPHQL_PATH || line.stream) return;
      metrics?.onRequest(line.operationName, line.aborted ? 'aborted' : line.status, line.ms, span);
    },
    onFault: (error, requestId) => log.error({ err: error, requestId }, 'A bug of ours failed a request'),
    viewerHeaders: ['authorization', ...(config.auth.header ? [VIEWER_HEADER] : [])],
    maxBodyBytes: config.maxBodyBytes,
    maxResponseBytes: config.maxResponseBytes,
    clock,
  });
  const leave = () => {
    streams.leave();
    webSockets.leave();
  };
  const server = createHttpServer(handler, clock, { upgrade: webSockets.upgrade, leave });
  return { server, openSubscriptions: graphql.openSubscriptions };
}

/** The header that names the viewer unchecked, in development; else null. */
function developmentHeaderOf({ auth }: Config): string | null {
  return auth.header?.secret === null ? VIEWER_HEADER : null;
}
