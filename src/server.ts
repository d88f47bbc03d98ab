// Plugs the rooms together: the one file that knows them all.
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { createAccounting } from './accounting.ts';
import { createAuthentication } from './auth/authentication.ts';
import type { Viewer } from './auth/viewer.ts';
import { createVisibility, type MaySee } from './auth/visibility.ts';
import { createLog } from './cache/log.ts';
import { createRedisLink } from './cache/redis-link.ts';
import { createSharedCounts } from './cache/shared-counts.ts';
import { createTurns } from './cache/turns.ts';
import { createCaching } from './caching.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { createContexts } from './context.ts';
import { createDocuments } from './documents.ts';
import { amendMemory } from './follow/amended-memory.ts';
import { createChangedProfiles } from './follow/changed-profiles.ts';
import { createFollowWriter } from './follow/follow-writer.ts';
import { createKnownFans } from './follow/known-fans.ts';
import { createLive } from './follow/live.ts';
import { createFollowMemory } from './follow/memory.ts';
import { createRecentChanges } from './follow/recent-changes.ts';
import { createSettling } from './follow/settling.ts';
import { createGraphql } from './graphql.ts';
import { createAutomaticPersistedQueries } from './http/automatic-persisted-queries.ts';
import { createClientAddresses } from './http/client-address.ts';
import { clientNameOf, createClientRates, RATE_WINDOW_MS } from './http/client-rates.ts';
import { createCors } from './http/cors.ts';
import { createEventStreams } from './http/event-stream.ts';
import { createFront, GRAPHQL_PATH } from './http/front.ts';
import { createGraphiqlPage } from './http/graphiql-page.ts';
import { createListener } from './http/listener.ts';
import { createWebSockets } from './http/web-socket.ts';
import { createMetrics } from './metrics/metrics.ts';
import { createMetricsPage, METRICS_PATH } from './metrics/page.ts';
import { connectRedis, createRedisClient, keyPrefixOf, nodeOf } from './redis.ts';
import { readOperationNames, readStarterOperations } from './starter-operations.ts';
import { createBudget } from './tencent/budget.ts';
import type { Report } from './tencent/client.ts';
import { createFollowService } from './tencent/follow-service.ts';
import { createProfileService } from './tencent/profile-service.ts';
import { connectUpstream } from './upstream.ts';
import { connectWebhooks } from './webhooks.ts';

export type Gateway = {
  /** Starts to accept requests; resolves with the base URL. */
  listen(): Promise<string>;
  /** Stops without dropping a request: not ready at once, then what runs is finished, then connections go. */
  close(): Promise<void>;
  /** Stops at once. */
  destroy(): void;
};

export type GatewayDependencies = {
  log: Logger;
  clock?: Clock;
  /** Who may see whose lists; the setting LIST_VISIBILITY decides where nothing else does. */
  maySee?: MaySee;
};

/** A start waits so long at most for hearing the other replicas: until then nothing that is remembered is trusted. */
const HEARING_MS = 1000;

/** Builds a whole gateway from its settings. Nothing runs before `listen`. */
export function createGateway(config: Config, dependencies: GatewayDependencies): Gateway {
  const { log, clock = systemClock, maySee = createVisibility(config.listVisibility) } = dependencies;
  const report: Report = (message, facts) => log.warn(facts, message);
  const { adminId, sdkAppId } = config.tencent;
  const redis = config.redis && createRedisClient(config.redis.nodes);
  const link =
    redis &&
    createRedisLink({
      redis,
      clock,
      // A read asks Redis twice in turn: what it knows, and whether it is this replica's turn to ask the upstream.
      timeoutMs: (config.redis?.timeoutMs ?? 0) / 2,
      onChange: (up, reason) =>
        up ? log.info({ reason }, 'Redis is back') : log.warn({ reason }, 'Redis is away; carrying on without it'),
      onRefusal: (refuses, reason) =>
        refuses
          ? log.warn({ reason }, 'Redis refuses what it is asked; carrying on without it')
          : log.info({ reason }, 'Redis refuses nothing any more'),
      nodeOf: (key) => nodeOf(redis, key),
    });
  const budget = createBudget({
    link,
    prefix: keyPrefixOf(sdkAppId),
    ratePerSecond: config.upstreamRate,
    clock,
    report,
  });
  const metrics =
    config.metricsPort === null
      ? null
      : createMetrics({
          clock,
          knownOperations: readOperationNames(),
          readings: {
            memoryBytes: () => memory.bytes(),
            breakers: () => client.breakerStates(),
            redisIsUp: link?.isUp ?? null,
            budget: budget.state,
            openSubscriptions: () => accounting.openSubscriptions(),
          },
        });
  const client = connectUpstream(config.tencent, {
    clock,
    report,
    admit: budget.admit,
    throttled: budget.throttled,
    onCall(command, outcome, ms) {
      budget.answered(command);
      metrics?.onCall(command, outcome, ms);
    },
  });
  const changes = createLog({
    link: link ?? null,
    key: `${keyPrefixOf(sdkAppId)}:log`,
    most: config.eventLogLength,
    clock,
  });
  const follow = createFollowService(client, { onBehalfOf: adminId, embeddedProfile: config.embeddedProfile });
  const remembered = createFollowMemory({
    follow,
    profiles: createProfileService(client, { customFields: config.profileCustomFields, clock, report }),
    clock,
    lifetimes: config.lifetimes,
    memoryBytes: config.memoryBytes,
    redis: link && { link, prefix: keyPrefixOf(sdkAppId) },
    settleMs: config.writeLagMs,
    observer: metrics?.memory,
  });
  const lagMs = config.writeLagMs;
  const recent = createRecentChanges({ log: changes, clock, lagMs });
  const { toldMs, usableMs } = config.lifetimes.page;
  const changedProfiles = createChangedProfiles({ log: changes, clock, pageMs: Math.max(toldMs, usableMs) });
  const memory = amendMemory(remembered, recent, changedProfiles);
  const settling = createSettling({ forget: remembered.forget, clock, lagMs });
  const turns = createTurns({ redis: link && { link, prefix: keyPrefixOf(sdkAppId) }, clock });
  const writer = createFollowWriter({ follow, memory: remembered, recent, settling, log: changes, turns, clock });
  const live = createLive({ log: changes, clock, mostSubscriptions: config.maxSubscriptions });
  const settings = {
    maxPageSize: config.maxPageSize,
    chunkSize: config.chunkSize,
    userIdPattern: config.userIdPattern,
    cursorKey: cursorKeyOf(config),
    maxTargets: config.maxTargets,
  };
  const contexts = createContexts({
    memory,
    writer,
    live,
    findKnownFans: createKnownFans(memory, { maxCalls: config.knownFansMaxCalls }),
    maySee,
    settings,
    clock,
    deadlineMs: config.requestDeadlineMs,
  });

  const webhooks = connectWebhooks(config, {
    memory: remembered,
    changes,
    explains: recent.explains,
    settling,
    redis: link && { link, prefix: keyPrefixOf(sdkAppId) },
    clock,
    log,
    report,
    metrics,
  });
  const accounting = createAccounting(config.freshnessExtension, metrics);
  const streams = createEventStreams(clock);
  const documents = createDocuments({
    config,
    automatic: config.automaticPersistedQueries
      ? createAutomaticPersistedQueries(link && { link, prefix: keyPrefixOf(sdkAppId) })
      : null,
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
          shared: link && createSharedCounts(link, `${keyPrefixOf(sdkAppId)}:rate`, RATE_WINDOW_MS),
          clock,
        });
  const tooSoon = (request: IncomingMessage, viewer: Viewer | null) =>
    rates && rates.take(clientNameOf(viewer?.userId ?? null, addresses.addressOf(request)));
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

  const listener = createListener(
    createFront({
      graphql: graphql.serve,
      graphiql: config.graphiql ? createGraphiqlPage(readStarterOperations, { viewerHeader: developmentHeader }) : null,
      authenticate,
      webhook: webhooks,
      cors,
      isHttps: addresses.isHttps,
      tooSoon,
      isReady: () => listener.isReady(),
      onExchange(exchange, facts) {
        // Every change in the app is one; and where the upstream sends them is nobody else's business.
        if (facts.path === webhooks?.path) return log.debug({ ...exchange, ...facts, path: 'webhook' }, 'webhook');
        log.info({ ...exchange, ...facts }, 'request');
        if (facts.path !== GRAPHQL_PATH || facts.stream) return;
        metrics?.onRequest(exchange.operationName, facts.aborted ? 'aborted' : facts.status, facts.ms);
      },
      onFault: (error, { requestId }) => log.error({ err: error, requestId }, 'A bug of ours failed a request'),
      maxBodyBytes: config.maxBodyBytes,
      clock,
    }),
    clock,
    {
      upgrade: webSockets.upgrade,
      leave() {
        live.close();
        streams.leave();
        webSockets.leave();
      },
    },
  );
  const metricsListener =
    metrics &&
    createListener(
      createMetricsPage(metrics.registry, (error) => log.error({ err: error }, 'A bug of ours failed the metrics')),
      clock,
    );

  return {
    async listen() {
      if (redis) await connectRedis(redis);
      await Promise.all([changes.ready(), Promise.race([memory.ready(), clock.sleep(HEARING_MS)])]);
      budget.start();
      if (metricsListener && config.metricsPort !== null) {
        const url = await naming('METRICS_PORT', metricsListener.listen(config.metricsPort, config.host));
        metrics.watchProcess();
        log.info({ url: `${url}${METRICS_PATH}` }, 'metrics');
      }
      return listener.listen(config.port, config.host);
    },
    async close() {
      await listener.drain(config.drainMs);
      // A change goes on when its client is gone.
      await turns.settled();
      settling.close();
      webhooks?.close();
      await client.close();
      await budget.close();
      changes.close();
      link?.close();
      await metricsListener?.drain(0);
    },
    destroy() {
      live.close();
      settling.close();
      listener.destroy();
      metricsListener?.destroy();
      webhooks?.close();
      void client.close();
      changes.close();
      void budget.close().then(() => link?.close());
    },
  };
}

/** Lets a failure to listen say which setting is to be changed. */
function naming<T>(setting: string, listening: Promise<T>): Promise<T> {
  return listening.catch((error: Error) => Promise.reject(Object.assign(error, { setting })));
}

/** The header that anybody may name anybody with; null where that is not so. */
function developmentHeaderOf({ auth }: Config): string | null {
  return auth.header?.secret === null ? auth.header.name : null;
}

/** The same on all replicas of an app: set, or derived from the secret key that they share. */
function cursorKeyOf({ cursorSecret, tencent }: Config): KeyObject {
  const key = hkdfSync('sha256', cursorSecret ?? tencent.secretKey, 'follow-gateway', 'item cursor 1', 32);
  return createSecretKey(new Uint8Array(key));
}
