// The doors: HTTP and WebSocket, with everything that stands between a client and the graph.
import type { Logger } from 'pino';
import { createAuthentication } from './auth/authentication.ts';
import type { Viewer } from './auth/viewer.ts';
import type { RedisLink } from './cache/redis-link.ts';
import { createSharedCounts } from './cache/shared-counts.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import type { Contexts, GraphSettings } from './context.ts';
import { type Asker, createClientAddresses } from './http/client-address.ts';
import { clientNameOf, createClientRates, RATE_WINDOW_MS } from './http/client-rates.ts';
import { createCors } from './http/cors.ts';
import type { Accounting } from './server/accounting.ts';
import { createAutomaticPersistedQueries } from './server/automatic-persisted-queries.ts';
import { createCaching } from './server/caching.ts';
import { createDocuments } from './server/documents.ts';
import { createEventStreams } from './server/event-streams.ts';
import { createFront, type FrontDependencies, GRAPHQL_PATH } from './server/front.ts';
import { createGraphiql } from './server/graphiql.ts';
import { createGraphql } from './server/graphql.ts';
import { createListener, type Listener } from './server/listener.ts';
import { createWebSockets } from './server/web-socket.ts';
import { readStarterOperations } from './starter-operations.ts';
import type { Metrics } from './telemetry/metrics.ts';
import type { Report } from './tencent/client.ts';

export type ServingDependencies = {
  contexts: Contexts;
  settings: GraphSettings;
  webhooks: FrontDependencies['webhook'];
  accounting: Accounting;
  redis: { link: RedisLink; prefix: string } | null;
  metrics: Metrics | null;
  clock: Clock;
  log: Logger;
  logRequest(line: object): void;
  report: Report;
};

/** Makes the listener of the service; nothing is open before its `listen`. */
export function createServing(config: Config, dependencies: ServingDependencies): Listener {
  const { contexts, settings, webhooks, accounting } = dependencies;
  const { redis, metrics, clock, log, logRequest, report } = dependencies;
  const streams = createEventStreams();
  const documents = createDocuments({
    config,
    automatic: config.automaticPersistedQueries ? createAutomaticPersistedQueries(redis) : null,
    clock,
    onDocument: (outcome) => metrics?.onDocument(outcome),
    onUnknown: (document, outcome) =>
      log.warn(document, `A document that is not trusted was ${outcome === 'refused' ? 'refused' : 'asked for'}`),
  });
  const viewerHeaders = ['authorization', ...(config.auth.header ? [config.auth.header.name] : [])];
  const graphql = createGraphql({
    config,
    settings,
    contexts,
    accounting,
    documents,
    caching: createCaching({ clock, viewerHeaders }),
    streams,
    onBug: (error) => log.error({ err: error }, 'A bug of ours failed a field'),
  });
  const authenticate = createAuthentication(config.auth, {
    ...config.tencent,
    userIdPattern: config.userIdPattern,
    clock,
    report,
  });
  const developmentHeader = developmentHeaderOf(config);
  const addresses = createClientAddresses(config.trustProxy);
  const rates =
    config.rateLimitPerMinute === null
      ? null
      : createClientRates({
          perMinute: config.rateLimitPerMinute,
          shared: redis ? createSharedCounts(redis.link, `${redis.prefix}:rate`, RATE_WINDOW_MS) : null,
          clock,
        });
  const tooSoon = (request: Asker, viewer: Viewer | null) =>
    rates?.take(clientNameOf(viewer?.userId ?? null, addresses.addressOf(request))) ?? null;
  const cors = createCors({
    origins: config.corsOrigins,
    credentials: config.auth.header !== null,
    headers: developmentHeader ? [developmentHeader] : [],
  });
  const webSockets = createWebSockets({
    cors,
    prepare: graphql.prepare,
    authenticate,
    tooSoon,
    isReady: () => listener.isReady(),
    onOperation: (exchange, facts) => log.info({ ...exchange, ...facts }, 'operation'),
    onFault: (error) => log.error({ err: error }, 'A bug of ours failed a WebSocket'),
    maxBodyBytes: config.maxBodyBytes,
    maxConnections: config.maxSubscriptions,
    clock,
  });

  const onExchange: FrontDependencies['onExchange'] = (line) => {
    // Every change in the app is one; and where the upstream sends them is nobody else's business.
    if (line.path === webhooks?.path) {
      if (log.isLevelEnabled('debug')) log.debug({ ...line, path: 'webhook' }, 'webhook');
      return;
    }
    logRequest(line);
    if (line.path !== GRAPHQL_PATH || line.stream) return;
    metrics?.onRequest(line.operationName, line.aborted ? 'aborted' : line.status, line.ms);
  };
  const shared = { authenticate, cors, tooSoon, onExchange, webhook: webhooks, clock };
  const { maxBodyBytes } = config;
  const front = createFront({
    ...shared,
    graphql: graphql.serve,
    graphiql: config.graphiql
      ? createGraphiql({
          operations: readStarterOperations(),
          viewerHeader: developmentHeader,
          // Plain http is taken for this machine alone, where a sandbox serves avatars.
          sandboxOrigin: config.tencent.baseUrl?.startsWith('http:') ? config.tencent.baseUrl : null,
        })
      : null,
    isReady: () => listener.isReady(),
    onFault: (error, { requestId }) => log.error({ err: error, requestId }, 'A bug of ours failed a request'),
    maxBodyBytes,
  });
  const longLived = {
    upgrade: webSockets.upgrade,
    leave() {
      streams.leave();
      webSockets.leave();
    },
  };
  const listener = createListener(front, clock, { longLived });
  return listener;
}

/** The header that anybody may name anybody with; null where that is not so. */
function developmentHeaderOf({ auth }: Config): string | null {
  return auth.header?.secret === null ? auth.header.name : null;
}
