// Plugs the rooms together: the one file that knows them all.
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { getOperationAST, NoSchemaIntrospectionCustomRule } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import { createRedisLink } from './cache/redis-link.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { type Context, createContexts, type OpenContext } from './context.ts';
import { maskError } from './errors.ts';
import { createFollowMemory } from './follow/memory.ts';
import { schema } from './graph/schema.ts';
import { readBody, refusal } from './http/body.ts';
import { type Exchange, openExchange } from './http/exchange.ts';
import { createFront, GRAPHQL_PATH, type RequestWithBody } from './http/front.ts';
import { createGraphiqlPage } from './http/graphiql-page.ts';
import { createBoundedParse, createDepthRule } from './http/limits.ts';
import { createListener } from './http/listener.ts';
import { connectRedis, createRedisClient } from './redis.ts';
import { readStarterOperations } from './starter-operations.ts';
import { createTencentClient, type Report, type TencentClient } from './tencent/client.ts';
import { type Diagnosis, diagnose } from './tencent/diagnose.ts';
import { createFollowService } from './tencent/follow-service.ts';
import { createProfileService } from './tencent/profile-service.ts';
import { type Region, regionBaseUrl } from './tencent/regions.ts';

export type Gateway = {
  /** Answers a GraphQL request without a socket. */
  fetch(request: Request): Promise<Response>;
  /** Starts to accept requests; resolves with the base URL. */
  listen(): Promise<string>;
  /** Stops without dropping a request: not ready at once, then what runs is finished, then connections go. */
  close(): Promise<void>;
  /** Stops at once. */
  destroy(): void;
};

export type GatewayDependencies = { log: Logger; clock?: Clock };

/** What Yoga hands on with a request: one object, so that whoever opens something on the way can have it closed. */
type Visit = { readonly exchange: Exchange; opened: OpenContext | null };
type ServerContext = { readonly visit: Visit };

/** Builds a whole gateway from its settings. Nothing runs before `listen`. */
export function createGateway(config: Config, { log, clock = systemClock }: GatewayDependencies): Gateway {
  const report: Report = (message, facts) => log.warn(facts, message);
  const { adminId, sdkAppId } = config.tencent;
  const redis = config.redis && createRedisClient(config.redis.nodes);
  const link =
    redis &&
    createRedisLink({
      redis,
      clock,
      timeoutMs: config.redis?.timeoutMs ?? 0,
      onChange: (up, reason) =>
        up ? log.info({ reason }, 'Redis is back') : log.warn({ reason }, 'Redis is away; carrying on without it'),
    });
  // The number names the format of what is kept: a release that changes it never reads what another one wrote.
  const prefix = `follow-gateway:1:${sdkAppId}`;
  const client = connect(config, clock, report);
  const memory = createFollowMemory({
    follow: createFollowService(client, { onBehalfOf: adminId, embeddedProfile: config.embeddedProfile }),
    profiles: createProfileService(client, { customFields: config.profileCustomFields, clock, report }),
    clock,
    lifetimes: config.lifetimes,
    memoryBytes: config.memoryBytes,
    redis: link && { link, prefix },
  });
  const contexts = createContexts({
    memory,
    settings: {
      maxPageSize: config.maxPageSize,
      chunkSize: config.chunkSize,
      userIdPattern: config.userIdPattern,
      cursorKey: cursorKeyOf(config),
    },
    clock,
    deadlineMs: config.requestDeadlineMs,
  });

  const yoga = createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    context: ({ request, visit }) => {
      visit.opened = contexts.open({
        gone: request.signal,
        onUpstreamCall: () => visit.exchange.upstreamCalls++,
      });
      return visit.opened.context;
    },
    maskedErrors: {
      maskError: (error) => maskError(error, (bug) => log.error({ err: bug }, 'A bug of ours failed a field')),
    },
    // The front has read and bounded the body; Yoga's own limit would pipe it through a stream once more.
    maxRequestBodySize: false,
    multipart: false,
    cors: false,
    graphiql: false,
    landingPage: false,
    logging: false,
    plugins: [limits(config), accounting(config)],
  });

  const listener = createListener(
    createFront({
      graphql: (request: RequestWithBody, response, exchange) => yoga(request, response, visit(exchange)),
      graphiql: config.graphiql ? createGraphiqlPage(readStarterOperations) : null,
      isReady: () => listener.isReady(),
      onExchange: (exchange, facts) => log.info({ ...exchange, ...facts }, 'request'),
      onFault: (error, { requestId }) => log.error({ err: error, requestId }, 'A bug of ours failed a request'),
      maxBodyBytes: config.maxBodyBytes,
      clock,
    }),
    clock,
  );

  return {
    async fetch(request) {
      const body = request.body && (await readBody(request.body, config.maxBodyBytes));
      if (request.body && body === null) {
        const message = `The request body is larger than ${config.maxBodyBytes} bytes.`;
        return new Response(refusal(message), { status: 413, headers: { 'content-type': 'application/json' } });
      }
      const { url, method, headers, signal } = request;
      const exchange = openExchange(headers.get('x-request-id'));
      return yoga.fetch(new Request(url, { method, headers, signal, body }), visit(exchange));
    },
    async listen() {
      if (redis) await connectRedis(redis);
      return listener.listen(config.port, config.host);
    },
    async close() {
      await listener.drain(config.drainMs);
      await client.close();
      link?.close();
    },
    destroy() {
      listener.destroy();
      void client.close();
      link?.close();
    },
  };
}

/** Checks the settings with one real call to the upstream, and says in plain words what is wrong. */
export async function diagnoseUpstream(config: Config): Promise<Diagnosis> {
  const clock = systemClock;
  const client = connect(config, clock, () => {});
  const diagnosis = await diagnose(client, { adminId: config.tencent.adminId, clock });
  await client.close();
  return diagnosis;
}

function connect({ tencent }: Config, clock: Clock, report: Report): TencentClient {
  const { sdkAppId, secretKey, adminId, timeoutMs, region, baseUrl } = tencent;
  return createTencentClient({
    // The settings have one of the two, or they would have been refused.
    baseUrl: baseUrl ?? regionBaseUrl(region as Region),
    sdkAppId,
    secretKey,
    adminId,
    timeoutMs,
    clock,
    report,
  });
}

/** The same on all replicas of an app: set, or derived from the secret key that they share. */
function cursorKeyOf({ cursorSecret, tencent }: Config): KeyObject {
  const key = hkdfSync('sha256', cursorSecret ?? tencent.secretKey, 'follow-gateway', 'item cursor 1', 32);
  return createSecretKey(new Uint8Array(key));
}

function visit(exchange: Exchange): ServerContext {
  return { visit: { exchange, opened: null } };
}

function limits({ maxTokens, maxDepth, introspection }: Config): Plugin {
  const boundedParse = createBoundedParse(maxTokens);
  const depthRule = createDepthRule(maxDepth);
  return {
    onParse: ({ setParseFn }) => setParseFn(boundedParse),
    onValidate({ addValidationRule }) {
      addValidationRule(depthRule);
      if (!introspection) addValidationRule(NoSchemaIntrospectionCustomRule);
    },
  };
}

/** Notes for the log line what ran and how it ended, says what was stale, and closes the request's context. */
function accounting({ freshnessExtension }: Config): Plugin<ServerContext, ServerContext> {
  return {
    onExecute({ args }) {
      const { exchange } = args.contextValue.visit;
      exchange.operationName = getOperationAST(args.document, args.operationName)?.name?.value ?? null;
    },
    onResultProcess({ serverContext: { visit }, result }) {
      visit.opened?.close();
      if (Array.isArray(result) || !('data' in result || 'errors' in result)) return;
      for (const { extensions } of result.errors ?? []) visit.exchange.errorCodes.push(String(extensions?.code));
      const staleness = freshnessExtension ? visit.opened?.staleness() : null;
      if (!staleness) return;
      const freshness = {
        oldestAgeSeconds: Math.round(staleness.ageMs / 1000),
        reason: staleness.failure ?? 'REVALIDATING',
      };
      result.extensions = { ...result.extensions, freshness };
    },
  };
}
