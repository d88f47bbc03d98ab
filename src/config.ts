// The settings, from environment variables: all of them checked at once, secrets never repeated.
import { z } from 'zod';

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
    { freshMs: number; usableMs: number; absentMs: number }
  >;
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
  maxBodyBytes: number;
  maxDepth: number;
  maxTokens: number;
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

export type Environment = Readonly<Record<string, string | undefined>>;

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
const REGIONS = [
  'china',
  'singapore',
  'seoul',
  'tokyo',
  'frankfurt',
  'silicon-valley',
  'jakarta',
  'mumbai',
  'riyadh',
] as const;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

const text = z.string({ error: 'is missing' });
const wholeNumber = (from: number, to: number) =>
  text
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= from && value <= to, `must be between ${from} and ${to}`);
const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, {
    error: ({ input }) => (input === undefined ? 'is missing' : `must be one of ${values.join(', ')}`),
  });
const onOrOff = text
  .toLowerCase()
  .refine((value) => ['on', 'off', 'true', 'false', '1', '0'].includes(value), 'must be on or off')
  .transform((value) => ['on', 'true', '1'].includes(value));
const baseUrl = text.transform((value, { addIssue }) => {
  const url = URL.parse(value);
  const problem = !url
    ? 'must be a URL, for example https://adminapisgp.im.qcloud.com'
    : url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.test(url.hostname))
      ? 'must be https; plain http is accepted for loopback addresses only'
      : url.pathname !== '/' || url.search || url.hash || url.username || url.password
        ? 'must be a host alone, without path, query or credentials'
        : null;
  if (problem) addIssue(problem);
  return url?.origin ?? value;
});
const pattern = text.transform((value, { addIssue }) => {
  try {
    new RegExp(value, 'u');
    return new RegExp(`^(?:${value})$`, 'u');
  } catch {
    addIssue('must be a regular expression');
    return /^$/;
  }
});
const seconds = wholeNumber(0, 30 * 86_400);
function isRedisNode(url: URL): boolean {
  try {
    decodeURIComponent(url.username + url.password);
  } catch {
    return false;
  }
  return /^rediss?:$/.test(url.protocol) && url.hostname !== '' && /^\/?\d*$/.test(url.pathname) && url.search === '';
}
/** A cluster has one user, one password, and no numbered databases. */
const isSibling = (url: URL, first: URL | null | undefined): boolean =>
  first?.protocol === url.protocol &&
  first.username === url.username &&
  first.password === url.password &&
  /^\/?$/.test(url.pathname);
const redisUrl = text.transform((value, { addIssue }): URL[] => {
  const nodes = value.split(',').map((node) => URL.parse(node.trim()));
  const [first] = nodes;
  if (nodes.every((url) => url && isRedisNode(url) && (nodes.length === 1 || isSibling(url, first))))
    return nodes as URL[];
  // The value may hold a password, so it is not repeated.
  addIssue(
    'must be redis://user:password@host:port, or rediss://; several nodes of a cluster, alike but for host and port, are separated by commas',
  );
  return [];
});
const customFields = text
  .transform((value) =>
    value
      .split(',')
      .map((key) => key.trim())
      .filter(Boolean),
  )
  .refine(
    (keys) => keys.every((key) => /^[A-Za-z]{1,8}$/.test(key)),
    'must be keys of 1 to 8 letters, without Tag_Profile_Custom_, separated by commas',
  );

/** Every setting: its check, and its default where it has one. */
const SETTINGS = z.object({
  NODE_ENV: text.default('development'),
  HOST: text.default('127.0.0.1'),
  PORT: wholeNumber(0, 65_535).default(4000),
  TENCENT_SDK_APP_ID: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  TENCENT_SECRET_KEY: text.min(16, 'is too short to be a secret key'),
  TENCENT_ADMIN: text.regex(/^[^\s:]{1,32}$/, 'must be a UserID: 1 to 32 characters').default('administrator'),
  TENCENT_REGION: oneOf(REGIONS).optional(),
  TENCENT_BASE_URL: baseUrl.optional(),
  CURSOR_SECRET: text.min(16, 'must have at least 16 characters').optional(),
  UPSTREAM_TIMEOUT_MS: wholeNumber(100, 60_000).default(5000),
  REQUEST_DEADLINE_MS: wholeNumber(100, 120_000).default(10_000),
  // The schema's default page of 20 must always be allowed.
  MAX_PAGE_SIZE: wholeNumber(20, 1000).default(100),
  CHUNK_SIZE: wholeNumber(1, 1000).default(100),
  USER_ID_PATTERN: pattern.default(/^(?:[A-Za-z0-9_-]{1,32})$/u),
  REDIS_URL: redisUrl.optional(),
  REDIS_TIMEOUT_MS: wholeNumber(10, 10_000).default(200),
  UPSTREAM_RATE: wholeNumber(1, 100_000).default(160),
  PROFILE_FRESH_SECONDS: seconds.default(3600),
  PROFILE_STALE_SECONDS: seconds.default(86_400),
  LIST_FRESH_SECONDS: seconds.default(30),
  LIST_STALE_SECONDS: seconds.default(3600),
  COUNTS_FRESH_SECONDS: seconds.default(30),
  COUNTS_STALE_SECONDS: seconds.default(3600),
  RELATION_FRESH_SECONDS: seconds.default(30),
  RELATION_STALE_SECONDS: seconds.default(600),
  ABSENT_FRESH_SECONDS: seconds.default(30),
  FRESHNESS_EXTENSION: onOrOff.default(true),
  METRICS_PORT: wholeNumber(0, 65_535).optional(),
  CACHE_MEMORY_MB: wholeNumber(1, 65_536).default(64),
  PROFILE_CUSTOM_FIELDS: customFields.default([]),
  EMBEDDED_PROFILE: oneOf(['whole', 'partial']).default('whole'),
  INTROSPECTION: onOrOff.optional(),
  GRAPHIQL: onOrOff.optional(),
  MAX_BODY_BYTES: wholeNumber(1024, 16_777_216).default(102_400),
  MAX_DEPTH: wholeNumber(1, 100).default(15),
  MAX_TOKENS: wholeNumber(100, 100_000).default(10_000),
  SHUTDOWN_DRAIN_MS: wholeNumber(0, 120_000).default(1000),
  LOG_LEVEL: oneOf(LOG_LEVELS).default('info'),
});

const CONSISTENT_SETTINGS = SETTINGS.refine(({ PORT, METRICS_PORT }) => PORT === 0 || PORT !== METRICS_PORT, {
  path: ['METRICS_PORT'],
  error: 'must be another port than PORT',
});

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
    redis: settings.REDIS_URL ? { nodes: settings.REDIS_URL, timeoutMs: settings.REDIS_TIMEOUT_MS } : null,
    upstreamRate: settings.UPSTREAM_RATE,
    freshnessExtension: settings.FRESHNESS_EXTENSION,
    metricsPort: settings.METRICS_PORT ?? null,
    memoryBytes: settings.CACHE_MEMORY_MB * 1024 * 1024,
    profileCustomFields: settings.PROFILE_CUSTOM_FIELDS,
    embeddedProfile: settings.EMBEDDED_PROFILE,
    introspection: settings.INTROSPECTION ?? !production,
    graphiql: settings.GRAPHIQL ?? !production,
    maxBodyBytes: settings.MAX_BODY_BYTES,
    maxDepth: settings.MAX_DEPTH,
    maxTokens: settings.MAX_TOKENS,
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

/** What no single setting can tell: pairs that exclude or need each other, and names that look like ours but are not. */
function contradictions(given: Environment): string[] {
  const problems: string[] = [];
  if (given.TENCENT_REGION && given.TENCENT_BASE_URL)
    problems.push('TENCENT_REGION and TENCENT_BASE_URL are both set: keep one');
  if (!given.TENCENT_REGION && !given.TENCENT_BASE_URL) {
    problems.push(`TENCENT_REGION is missing (one of ${REGIONS.join(', ')}), or TENCENT_BASE_URL in its place`);
  }
  for (const name of Object.keys(given)) {
    if (name.startsWith('TENCENT_') && !(name in SETTINGS.shape))
      problems.push(`${name} is no setting of this gateway`);
  }
  return problems;
}
