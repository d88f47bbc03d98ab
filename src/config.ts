// The settings, from environment variables: all of them checked at once, secrets never repeated.

import type { ListVisibility } from './setting-values.ts';
import { CONSISTENT_SETTINGS, contradictions, type Environment, type LOG_LEVELS, type REGIONS } from './settings.ts';

/** What a deployment can set. `SETTINGS` tells which variable each one comes from. */
export type Config = {
  production: boolean;
  host: string;
  port: number;
  tencent: {
    sdkAppId: number;
    secretKey: string;
    adminId: string;
    /** A region preset of the upstream contract's section 1.2; null when `baseUrl` is given. */
    region: (typeof REGIONS)[number] | null;
    baseUrl: string | null;
    timeoutMs: number;
  };
  /** Keys item cursors; null derives one from the secret key. */
  cursorSecret: string | null;
  requestDeadlineMs: number;
  maxPageSize: number;
  chunkSize: number;
  userIdPattern: RegExp;
  /** How long answers are fresh, and how long usable, in milliseconds. */
  lifetimes: Record<
    'page' | 'counts' | 'profile' | 'relation',
    { freshMs: number; toldMs: number; usableMs: number; absentMs: number }
  >;
  /** How requests may say who asks; none: everybody is anonymous. */
  auth: {
    userSig: boolean;
    jwt: { jwksUrl: string; issuer: string; audience: string; userClaim: string } | null;
    /** A header that names the viewer. `secret` is null in development alone: then anybody may be anybody. */
    header: { name: string; secret: string | null } | null;
  };
  listVisibility: ListVisibility;
  /** The most users that one mutation takes. */
  maxTargets: number;
  /** For how long the gateway's own changes are shown although the upstream may not show them yet, in milliseconds. */
  writeLagMs: number;
  /** The most upstream calls that one `knownFans` may take. */
  knownFansMaxCalls: number;
  /** Where the upstream tells of changes; null: nowhere. `path` null derives one that cannot be guessed. */
  webhook: { token: string; path: string | null } | null;
  /** How many changes are kept for subscribers that come back. */
  eventLogLength: number;
  /** The most subscriptions of this process. */
  maxSubscriptions: number;
  memoryBytes: number;
  /** Null: the memory tier serves alone. */
  redis: { nodes: readonly URL[]; timeoutMs: number } | null;
  /** Calls per second and command, of all replicas together. */
  upstreamRate: number;
  /** Whether answers tell that something in them is stale. */
  freshnessExtension: boolean;
  /** Where Prometheus reads metrics: a port of its own, on the same host; null for nowhere. */
  metricsPort: number | null;
  profileCustomFields: readonly string[];
  embeddedProfile: 'whole' | 'partial';
  introspection: boolean;
  graphiql: boolean;
  /** What a supergraph calls a user, and the field that it knows one by. */
  federation: { type: string; key: string };
  /** Whether documents must be known beforehand, and where those are that the deployer adds; null: nowhere. */
  trustedDocuments: { mode: 'off' | 'log' | 'strict'; path: string | null };
  /** Whether a document that came once answers to its hash from then on. */
  automaticPersistedQueries: boolean;
  /** Origins whose pages may ask. */
  corsOrigins: readonly string[] | '*';
  /** Proxies that are believed: how many there are, or their networks. */
  trustProxy: number | readonly string[];
  maxBodyBytes: number;
  maxDepth: number;
  maxTokens: number;
  maxAliases: number;
  maxDirectives: number;
  /** The most calls to the upstream that one operation may take, as far as can be told beforehand. */
  maxUpstreamCalls: number;
  /** The most values that one answer may hold, as far as can be told beforehand. */
  maxValues: number;
  maxResponseBytes: number;
  /** Requests of one client; null: as many as it likes. */
  rateLimitPerMinute: number | null;
  drainMs: number;
  logLevel: (typeof LOG_LEVELS)[number];
};

/** Settings that cannot be used, each named with what is wrong. Values of secrets are never part of it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `${problems.length} setting${problems.length === 1 ? ' is' : 's are'} wrong:\n${problems.map((p) => `  ${p}\n`).join('')}`,
    );
    this.problems = problems;
  }
}

export type { Environment } from './settings.ts';

/** Reads the settings from `env`, or throws one `ConfigError` that names all that is wrong. An empty value counts as unset. */
export function readConfig(env: Environment): Config {
  // A secret mounted as a file often ends in a newline.
  const given = Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value?.trim() ? [[name, value.trim()]] : [])),
  );
  const parsed = CONSISTENT_SETTINGS.safeParse(given);
  const problems = [
    ...(parsed.error?.issues ?? []).map(({ path, message }) => `${String(path[0])} ${message}`),
    ...contradictions(given),
  ];
  if (problems.length > 0 || !parsed.data) throw new ConfigError(problems);

  const settings = parsed.data;
  const production = settings.NODE_ENV === 'production';
  const lifetimes = (kind: 'LIST' | 'COUNTS' | 'PROFILE' | 'RELATION') => {
    const freshMs = settings[`${kind}_FRESH_SECONDS`] * 1000;
    return {
      freshMs,
      // Nobody is told of a profile's every change (contract 7.4); and who wants to ask every time is not to be spared.
      toldMs: freshMs === 0 || kind === 'PROFILE' ? freshMs : Math.max(freshMs, settings.TOLD_FRESH_SECONDS * 1000),
      // What is fresh is usable, whatever the other setting says.
      usableMs: Math.max(freshMs, settings[`${kind}_STALE_SECONDS`] * 1000),
      absentMs: settings.ABSENT_FRESH_SECONDS * 1000,
    };
  };
  return {
    production,
    host: settings.HOST,
    port: settings.PORT,
    tencent: {
      sdkAppId: settings.TENCENT_SDK_APP_ID,
      secretKey: settings.TENCENT_SECRET_KEY,
      adminId: settings.TENCENT_ADMIN,
      region: settings.TENCENT_REGION ?? null,
      baseUrl: settings.TENCENT_BASE_URL ?? null,
      timeoutMs: settings.UPSTREAM_TIMEOUT_MS,
    },
    cursorSecret: settings.CURSOR_SECRET ?? null,
    requestDeadlineMs: settings.REQUEST_DEADLINE_MS,
    maxPageSize: settings.MAX_PAGE_SIZE,
    chunkSize: settings.CHUNK_SIZE,
    userIdPattern: settings.USER_ID_PATTERN,
    lifetimes: {
      page: lifetimes('LIST'),
      counts: lifetimes('COUNTS'),
      profile: lifetimes('PROFILE'),
      relation: lifetimes('RELATION'),
    },
    auth: {
      userSig: settings.AUTH.includes('usersig'),
      jwt: settings.AUTH.includes('jwt')
        ? {
            // Their absence is a contradiction.
            jwksUrl: settings.JWT_JWKS_URL ?? '',
            issuer: settings.JWT_ISSUER ?? '',
            audience: settings.JWT_AUDIENCE ?? '',
            userClaim: settings.JWT_USER_CLAIM,
          }
        : null,
      header:
        settings.AUTH.includes('header') || settings.AUTH.includes('development')
          ? { name: settings.VIEWER_HEADER, secret: settings.VIEWER_HEADER_SECRET ?? null }
          : null,
    },
    listVisibility: settings.LIST_VISIBILITY,
    maxTargets: settings.MAX_TARGETS,
    writeLagMs: settings.WRITE_LAG_SECONDS * 1000,
    knownFansMaxCalls: settings.KNOWN_FANS_MAX_CALLS,
    webhook: settings.WEBHOOK_TOKEN ? { token: settings.WEBHOOK_TOKEN, path: settings.WEBHOOK_PATH ?? null } : null,
    eventLogLength: settings.EVENT_LOG_LENGTH,
    maxSubscriptions: settings.MAX_SUBSCRIPTIONS,
    redis: settings.REDIS_URL ? { nodes: settings.REDIS_URL, timeoutMs: settings.REDIS_TIMEOUT_MS } : null,
    upstreamRate: settings.UPSTREAM_RATE,
    freshnessExtension: settings.FRESHNESS_EXTENSION,
    metricsPort: settings.METRICS_PORT ?? null,
    memoryBytes: settings.CACHE_MEMORY_MB * 1024 * 1024,
    profileCustomFields: settings.PROFILE_CUSTOM_FIELDS,
    embeddedProfile: settings.EMBEDDED_PROFILE,
    introspection: settings.INTROSPECTION ?? !production,
    graphiql: settings.GRAPHIQL ?? !production,
    federation: { type: settings.FEDERATION_USER_TYPE, key: settings.FEDERATION_USER_KEY },
    trustedDocuments: { mode: settings.TRUSTED_DOCUMENTS, path: settings.TRUSTED_DOCUMENTS_PATH ?? null },
    automaticPersistedQueries: settings.AUTOMATIC_PERSISTED_QUERIES,
    corsOrigins: settings.CORS_ORIGINS,
    trustProxy: settings.TRUST_PROXY,
    maxBodyBytes: settings.MAX_BODY_BYTES,
    maxDepth: settings.MAX_DEPTH,
    maxTokens: settings.MAX_TOKENS,
    maxAliases: settings.MAX_ALIASES,
    maxDirectives: settings.MAX_DIRECTIVES,
    maxUpstreamCalls: settings.MAX_UPSTREAM_CALLS,
    maxValues: settings.MAX_VALUES,
    maxResponseBytes: settings.MAX_RESPONSE_BYTES,
    rateLimitPerMinute: settings.RATE_LIMIT_PER_MINUTE || null,
    drainMs: settings.SHUTDOWN_DRAIN_MS,
    logLevel: settings.LOG_LEVEL,
  };
}

/** Whether `env` says nothing at all of an upstream, so that a first start may bring its own. */
export function namesNoUpstream(env: Environment): boolean {
  return (
    env.NODE_ENV !== 'production' && !Object.keys(env).some((name) => name.startsWith('TENCENT_') && env[name]?.trim())
  );
}
