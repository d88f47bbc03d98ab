// Every setting once: what it accepts, its default and its meaning, from which the table of deploy/README.md is made. It is
// long because one list is easier to read and to check than several.
import { isIP } from 'node:net';
import proxyAddr from 'proxy-addr';
import { z } from 'zod';
import { ConfigError } from './errors.ts';
import { REGIONS, type Region, regionBaseUrl } from './tencent/regions.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
export type Config = ReturnType<typeof toConfig>;

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const isLoopback = (address = ''): boolean => LOOPBACK.test(URL.parse(address)?.hostname ?? '');

// What a setting can be. Messages never repeat a value, since it may be secret.
const text = z.string({ error: 'is missing' });
const secret = text.min(16, 'must have at least 16 characters');
const listOf = (value: string): string[] => value.split(',').map((word) => word.trim());
const words = text.transform((value) => listOf(value).filter(Boolean));
const wholeNumber = (from: number, to: number) =>
  text
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= from && value <= to, `must be between ${from} and ${to}`);
const number = (from: number, to: number, fallback: number, meaning: string) =>
  wholeNumber(from, to).prefault(String(fallback)).describe(meaning);
const seconds = (fallback: number, meaning: string) => number(0, 30 * 86_400, fallback, meaning);
const oneOf = <const T extends string>(values: readonly T[]) =>
  z.enum(values, { error: `must be one of ${values.join(', ')}` });
const onOrOff = z.stringbool({ truthy: ['on', 'true', '1'], falsy: ['off', 'false', '0'], error: 'must be on or off' });
const pattern = text.transform((value, { addIssue }) => {
  try {
    new RegExp(value, 'u');
    // Cache keys are composed with these characters, so that no id may have them.
    return new RegExp(`^(?!.*[\\s:{}])(?:${value})$`, 'u');
  } catch {
    addIssue('must be a regular expression');
    return z.NEVER;
  }
});

const httpsUrl = text.transform((value, { addIssue }) => {
  const url = URL.parse(value);
  if (!url) addIssue('must be a URL');
  else if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.test(url.hostname)))
    addIssue('must be https; plain http is accepted for loopback addresses only');
  else if (url.username || url.password) addIssue('must be a URL without credentials');
  return value;
});
const baseUrl = httpsUrl.transform((value, { addIssue }) => {
  const url = new URL(value);
  if (url.href !== `${url.origin}/`) addIssue('must be a host alone, for example https://adminapisgp.im.qcloud.com');
  return url.origin;
});
const redisNodes = words.transform((values, { addIssue }): URL[] => {
  const nodes = values.flatMap((value) => URL.parse(value) ?? []);
  // A cluster has one user, one password, and no numbered databases.
  const form = nodes.length > 1 ? /^(rediss?:\/\/([^/]*@)?)[^/@?#]+\/?$/ : /^(rediss?:\/\/([^/]*@)?)[^/@?#]+(\/\d*)?$/;
  const login = (url: URL | undefined) => url && form.exec(url.href)?.[1];
  const isNode = (url: URL) => url.port !== '0' && login(url) !== undefined && login(url) === login(nodes[0]);
  if (nodes.length === 0 || nodes.length < values.length || !nodes.every(isNode))
    addIssue('must be redis:// or rediss://user:password@host:port, or such nodes of a cluster, separated by commas');
  return nodes;
});

const LISTS = ['fans', 'follows', 'mutuals'] as const;
const VISIBILITY = z.enum(['public', 'authenticated', 'self']);
const listVisibility = text.transform((value, { addIssue }) => {
  const isForAll = VISIBILITY.safeParse(value).success;
  const named = isForAll ? LISTS.map((list) => `${list}=${value}`) : listOf(value);
  const pairs = named.map((part) => part.split('=').map((word) => word.trim()));
  const all = Object.fromEntries([...LISTS.map((list) => [list, 'public']), ...pairs]);
  const { data } = z.strictObject({ fans: VISIBILITY, follows: VISIBILITY, mutuals: VISIBILITY }).safeParse(all);
  if (data && pairs.every((pair) => pair.length === 2)) return data;
  addIssue('must be public, authenticated or self, or name lists, for example fans=self,follows=public');
  return z.NEVER;
});

/** Headers that have a meaning already. */
const TAKEN_HEADERS =
  /^((proxy-)?authorization|cookie|origin|referer|host|(proxy-)?connection|upgrade|expect|te|transfer-encoding|via|forwarded|x-forwarded-(for|host|port|proto)|x-viewer-secret|x-request-id|user-agent|last-event-id|(accept|access-control|content|if|sec)(-.*)?)$/;
const headerName = text
  .toLowerCase()
  .regex(/^[a-z0-9-]{1,64}$/, 'must be the name of a header: letters, digits and hyphens')
  .refine((name) => !TAKEN_HEADERS.test(name), 'must be a header that has no other meaning');
const isHostName = (value: string) => isIP(value) !== 0 || /^[\w-]+(\.[\w-]+)*\.?$/.test(value);
const graphqlName = text.regex(
  /^(?!.*__)[A-Za-z]\w{0,99}$/,
  'must be a name in GraphQL, without "__", from a letter on',
);
const webhookPath = text
  .regex(/^\/[\w./-]{1,200}$/, 'must be a path such as /hooks/follow')
  .refine((path) => !/^\/(graphql|health)(\/|$)/.test(path), 'must be another path than /graphql and /health');
/** What browsers send as a page's origin. Pages in a native shell have a scheme of their own. */
const isOrigin = (value: string): boolean =>
  /^https?:/i.test(value)
    ? URL.parse(value)?.origin === value && !value.includes('*')
    : /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9.-]+$/.test(value);
const origins = text.transform((value, { addIssue }): string[] | '*' => {
  const list = value === '*' ? value : listOf(value);
  if (list !== '*' && !list.every(isOrigin)) addIssue('must be origins such as https://app.example, or *');
  return list;
});
const proxies = text.transform((value, { addIssue }): number | string[] => {
  if (/^\d$/.test(value)) return Number(value);
  try {
    // isIP refuses short forms: 10 is a number of proxies, not 0.0.0.10.
    if (listOf(value).every((network) => isIP(network.split('/')[0] ?? ''))) proxyAddr.compile(listOf(value));
    else throw new TypeError();
  } catch {
    addIssue('must be a number of proxies up to 9, or their networks, such as 10.0.0.0/8');
  }
  return listOf(value);
});
const regions = Object.keys(REGIONS) as Region[];

/** Settings that are read under the same name: MAX_DEPTH is `maxDepth`. Defaults stand as an operator would set them. */
const PLAIN = z.object({
  HOST: text
    .refine(isHostName, 'must be an address or a host name alone, for example 0.0.0.0')
    .prefault('127.0.0.1')
    .describe('the address to listen on; the image sets 0.0.0.0'),
  PORT: number(0, 65_535, 4000, 'serves GraphQL at `/graphql`'),
  METRICS_PORT: wholeNumber(0, 65_535).nullable().default(null).describe('serves Prometheus metrics at `/metrics`'),
  LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .prefault('info')
    .describe('from `fatal` to `trace`, or `silent`'),
  SHUTDOWN_DRAIN_MS: number(0, 120_000, 1000, 'requests are still accepted so long after SIGTERM'),
  UPSTREAM_RATE: number(
    1,
    100_000,
    180,
    'calls/s per command, of all replicas; the app has 200, its alarm comes at 160',
  ),
  REQUEST_DEADLINE_MS: number(100, 120_000, 10_000, 'one client request'),
  // The schema's default page of 20 must always be allowed.
  MAX_PAGE_SIZE: number(20, 1000, 100, 'the largest `first`, from 20 to 1000'),
  CURSOR_SECRET: secret.nullable().default(null).describe('authenticates cursors; derived from the secret key'),
  USER_ID_PATTERN: pattern.prefault('[A-Za-z0-9_-]{1,32}').describe('ids of users; never spaces, colons, braces'),
  PROFILE_CUSTOM_FIELDS: words
    .refine((keys) => keys.every((key) => /^[A-Za-z]{1,8}$/.test(key)), 'must be keys of 1 to 8 letters')
    .prefault('')
    .describe('keys of `Tag_Profile_Custom_*` to ask for, separated by commas'),
  EMBEDDED_PROFILE: oneOf(['whole', 'partial']).prefault('whole').describe('`partial`: profiles in lists lack tags'),
  LIST_VISIBILITY: listVisibility
    .prefault('public')
    .describe('`public`, `authenticated`, `self`, or by list: `fans=self,follows=public`'),
  MAX_SUBSCRIPTIONS: number(1, 1_000_000, 10_000, 'the most subscriptions of one process'),
  AUTOMATIC_PERSISTED_QUERIES: onOrOff.prefault('off').describe("Apollo's protocol; not with `strict`"),
  CORS_ORIGINS: origins
    .default([])
    .describe('origins whose pages may ask, such as `https://app.example`, separated by commas; `*` for all'),
  CORS_HEADERS: words
    .refine((names) => names.every((name) => /^[\w-]{1,64}$/.test(name)), 'must be names of headers')
    .prefault('')
    .describe('headers that these pages may send, beside those of common clients and of tracing'),
  TRUST_PROXY: proxies
    .prefault('0')
    .describe('how many proxies stand before the gateway, or their networks: their word on client addresses counts'),
  MAX_BODY_BYTES: number(1024, 16_777_216, 102_400, 'the limit of one request body'),
  MAX_DEPTH: number(1, 100, 15, 'the limit of one document'),
  MAX_TOKENS: number(100, 100_000, 2000, 'the same'),
  MAX_ALIASES: number(0, 10_000, 100, 'the same'),
  MAX_UPSTREAM_CALLS: number(1, 100_000, 250, 'the most upstream calls of one operation'),
  RATE_LIMIT_PER_MINUTE: wholeNumber(0, 10_000_000)
    .transform((limit) => limit || null)
    .prefault('0')
    .describe('requests of one viewer, or of one address; 0: no limit'),
});

const SETTINGS = z.object({
  NODE_ENV: text
    .refine((value) => value === 'production' || !/^prod/i.test(value), 'must be production or unlike it')
    .prefault('development')
    .describe('`production` switches GraphiQL, introspection and suggestions off'),
  TENCENT_SDK_APP_ID: wholeNumber(1, Number.MAX_SAFE_INTEGER).describe('required: the app'),
  TENCENT_SECRET_KEY: secret.describe("required: the app's secret key"),
  TENCENT_ADMIN: text
    .regex(/^[^\s:]{1,32}$/, 'must be a UserID: 1 to 32 characters')
    .prefault('administrator')
    .describe('the app admin that signs calls'),
  TENCENT_REGION: oneOf(regions)
    .optional()
    .describe(`required: ${regions.map((name) => `\`${name}\``).join(', ')}`),
  TENCENT_BASE_URL: baseUrl.optional().describe("the upstream's URL in place of a region; http for loopback only"),
  UPSTREAM_TIMEOUT_MS: number(100, 60_000, 5000, "one call; the upstream's own limit is 3000"),
  REDIS_URL: redisNodes.optional().describe('`redis://` or `rediss://`; nodes of a Redis Cluster separated by commas'),
  REDIS_TIMEOUT_MS: number(10, 10_000, 200, 'how long a query waits for Redis at most'),
  CACHE_MEMORY_MB: number(1, 65_536, 128, 'the bound of the memory tier'),
  PROFILE_FRESH_SECONDS: seconds(3600, 'how long a cached profile is fresh'),
  PROFILE_STALE_SECONDS: seconds(86_400, 'how old it may be until a newer one can be had'),
  LIST_FRESH_SECONDS: seconds(30, 'the same for a page of a list; 0: every query asks'),
  LIST_STALE_SECONDS: seconds(3600, 'the same'),
  LIST_VALIDATED_SECONDS: seconds(120, "for a page whose owner's counter stays the same"),
  COUNTS_FRESH_SECONDS: seconds(30, 'the same for counts'),
  COUNTS_STALE_SECONDS: seconds(3600, 'the same'),
  RELATION_FRESH_SECONDS: seconds(30, 'the same for relations'),
  RELATION_STALE_SECONDS: seconds(600, 'the same'),
  WEBHOOK_FRESH_SECONDS: seconds(600, 'the same for all but profiles while webhooks arrive'),
  AUTH: words
    .pipe(z.array(oneOf(['usersig', 'jwt', 'header', 'development'])))
    .prefault('')
    .describe('how requests may name a viewer: some of `usersig`, `jwt`, `header`, `development`'),
  JWT_JWKS_URL: httpsUrl.optional().describe("required for `jwt`: the issuer's keys; http for loopback only"),
  JWT_ISSUER: text.optional().describe('required for `jwt`'),
  JWT_AUDIENCE: text.optional().describe('required for `jwt`'),
  JWT_USER_CLAIM: text.prefault('sub').describe('the claim that holds the UserID'),
  VIEWER_HEADER: headerName.prefault('x-viewer-id').describe('the header that names the viewer, for `header`'),
  VIEWER_HEADER_SECRET: secret.optional().describe('required for `header`: what the router sends as `x-viewer-secret`'),
  WRITE_LAG_SECONDS: number(0, 600, 30, 'own changes are shown so long before the upstream does'),
  WEBHOOK_TOKEN: text
    .max(128, 'must have at most 128 characters')
    .optional()
    .describe("the token of the webhooks' signature, as in the console; without it there are none"),
  WEBHOOK_PATH: webhookPath.optional().describe('where they arrive; derived from the secret key, printed by `check`'),
  GRAPHIQL: onOrOff.optional().describe('on, and off in production'),
  INTROSPECTION: onOrOff.optional().describe('on, and off in production'),
  TRUSTED_DOCUMENTS: oneOf(['off', 'log', 'strict'])
    .prefault('off')
    .describe('`log`: unknown documents are logged and counted; `strict`: they are refused'),
  TRUSTED_DOCUMENTS_PATH: text.optional().describe('a file or folder of further documents'),
  FEDERATION_USER_TYPE: graphqlName.prefault('User').describe('what a supergraph calls a user'),
  FEDERATION_USER_KEY: graphqlName.prefault('id').describe('the field by which a supergraph knows a user'),
  ...PLAIN.shape,
});

type Settings = z.infer<typeof SETTINGS>;
type CamelCase<Name extends string> = Name extends `${infer First}_${infer Rest}`
  ? `${Lowercase<First>}${Capitalize<CamelCase<Rest>>}`
  : Lowercase<Name>;
type PlainConfig = { [Name in keyof typeof PLAIN.shape as CamelCase<Name>]: Settings[Name] };

/** The table of settings: name, default as an operator would set it, and meaning. */
export function describeSettings(): { name: string; fallback: string; meaning: string }[] {
  return Object.entries(SETTINGS.shape).map(([name, schema]) => ({
    name,
    fallback: schema instanceof z.ZodPrefault ? String(schema.def.defaultValue) : '',
    meaning: schema.description ?? '',
  }));
}

/** Whether `env` says nothing at all of an upstream, so that a first start may bring its own. */
export const namesNoUpstream = (env: Environment): boolean =>
  env.NODE_ENV !== 'production' && !Object.keys(env).some((name) => name.startsWith('TENCENT_') && env[name]?.trim());

/** Reads the settings from `env`, or throws one `ConfigError` that names all that is wrong. A blank value counts as unset. */
export function readConfig(env: Environment): Config {
  // A secret mounted as a file often ends in a newline.
  const given = Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value?.trim() ? [[name, value.trim()]] : [])),
  );
  const { data, error } = SETTINGS.safeParse(given);
  const problems = [
    ...(error?.issues ?? []).map(({ path, message }) => `${String(path[0])} ${message}`),
    ...contradictionsIn(given),
    ...Object.keys(given).flatMap((name) => misspellingOf(name, given) ?? []),
  ];
  if (problems.length > 0 || !data) throw new ConfigError([...new Set(problems)]);
  return toConfig(data);
}

/** Pairs of settings that exclude or need each other. */
function contradictionsIn(given: Environment): string[] {
  const problems: string[] = [];
  const refuse = (isWrong: unknown, problem: string) => isWrong && problems.push(problem);
  const { TENCENT_REGION, TENCENT_BASE_URL, VIEWER_HEADER_SECRET, PORT = '4000' } = given;
  const [takesJwt, takesHeader, takesAnybody] = ['jwt', 'header', 'development'].map((way) =>
    listOf(given.AUTH ?? '').includes(way),
  );
  refuse(TENCENT_REGION && TENCENT_BASE_URL, 'TENCENT_REGION and TENCENT_BASE_URL are both set: keep one');
  const anyRegion = `TENCENT_REGION is missing (one of ${regions.join(', ')}), or TENCENT_BASE_URL in its place`;
  refuse(!TENCENT_REGION && !TENCENT_BASE_URL, anyRegion);
  for (const name of ['JWT_JWKS_URL', 'JWT_ISSUER', 'JWT_AUDIENCE'])
    refuse(takesJwt && !given[name], `${name} is missing: AUTH names jwt`);
  refuse(takesHeader && !VIEWER_HEADER_SECRET, 'VIEWER_HEADER_SECRET is missing: AUTH names header');
  refuse(
    takesAnybody && (given.NODE_ENV === 'production' || !isLoopback(TENCENT_BASE_URL)),
    'AUTH names development, which lets anybody be anybody: it is for a sandbox on this machine alone',
  );
  refuse(
    takesAnybody && (takesHeader || VIEWER_HEADER_SECRET),
    'AUTH names development, which takes VIEWER_HEADER without a secret: leave header and VIEWER_HEADER_SECRET out',
  );
  refuse(
    takesHeader && given.CORS_ORIGINS === '*',
    'CORS_ORIGINS is *, but AUTH names header, so that cookies may name the viewer: name the origins',
  );
  refuse(given.WEBHOOK_PATH && !given.WEBHOOK_TOKEN, 'WEBHOOK_TOKEN is missing: WEBHOOK_PATH is set');
  refuse(
    given.TRUSTED_DOCUMENTS === 'strict' && /^(on|true|1)$/i.test(given.AUTOMATIC_PERSISTED_QUERIES ?? ''),
    'AUTOMATIC_PERSISTED_QUERIES takes any document, and TRUSTED_DOCUMENTS=strict none: keep one',
  );
  refuse(PORT !== '0' && given.METRICS_PORT === PORT, 'METRICS_PORT must be another port than PORT');
  return problems;
}

/** Settings of earlier versions, and what stands in their place. */
const ENDED: Record<string, string> = {
  WORKERS: 'replicas over one REDIS_URL use more cores',
  ANSWER_CACHE_MB: 'CACHE_MEMORY_MB bounds what is cached',
  TOLD_FRESH_SECONDS: 'it is WEBHOOK_FRESH_SECONDS',
};
const LEFT_OUT = [
  ...['HOT_PATH', 'PUBLIC_OPERATIONS', 'CHUNK_SIZE', 'KNOWN_FANS_MAX_CALLS', 'MAX_TARGETS', 'EVENT_LOG_LENGTH'],
  ...['FRESHNESS_EXTENSION', 'MAX_DIRECTIVES', 'MAX_VALUES', 'MAX_RESPONSE_BYTES', 'ABSENT_FRESH_SECONDS'],
];
/** Kubernetes sets such variables in every container for a service called redis, webhook or tencent. */
const OF_KUBERNETES = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)$/;

/** What is wrong with a variable that looks like a setting and is none: it would be ignored silently. */
function misspellingOf(name: string, given: Environment): string | null {
  const settings = Object.keys(SETTINGS.shape);
  if (settings.includes(name)) return null;
  const ended = LEFT_OUT.includes(name) ? 'leave it out' : ENDED[name];
  if (ended) return `${name} is no setting any more: ${ended}`;
  const close = settings.filter((known) => known.length >= 8 && isOneEditAway(name.toUpperCase(), known));
  const [family = '-'] = /^(TENCENT|WEBHOOK|REDIS)_/.exec(name) ?? [];
  // Platforms set other names beside REDIS_URL.
  const isForeign = OF_KUBERNETES.test(name) || (family === 'REDIS_' && given.REDIS_URL);
  const meant = close.length > 0 || isForeign ? close : settings.filter((known) => known.startsWith(family));
  return meant.length > 0 ? `${name} is no setting of this gateway; is ${meant.join(' or ')} meant?` : null;
}

/** Whether the texts are the same but for one letter more, less or other, or two that are swapped. */
function isOneEditAway(one: string, other: string): boolean {
  let same = 0;
  while (same < one.length && one[same] === other[same]) same++;
  const [a, b] = [one.slice(same), other.slice(same)];
  const isSwapped = a[0] === b[1] && a[1] === b[0] && a.slice(2) === b.slice(2);
  return a.slice(1) === b || a === b.slice(1) || a.slice(1) === b.slice(1) || isSwapped;
}

function toConfig(settings: Settings) {
  const production = settings.NODE_ENV === 'production';
  const plain = Object.keys(PLAIN.shape).map((name) => [
    name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
    settings[name as keyof Settings],
  ]);
  const lifetimes = (kind: 'LIST' | 'COUNTS' | 'PROFILE' | 'RELATION') => {
    const freshMs = settings[`${kind}_FRESH_SECONDS`] * 1000;
    // Webhooks do not tell of every change of a profile (CONTRACT 7.4), and 0 asks for a look at every query.
    const isTold = kind !== 'PROFILE' && freshMs > 0;
    return {
      freshMs,
      webhookFreshMs: isTold ? Math.max(freshMs, settings.WEBHOOK_FRESH_SECONDS * 1000) : freshMs,
      staleMs: Math.max(freshMs, settings[`${kind}_STALE_SECONDS`] * 1000),
      absentMs: 30_000,
    };
  };
  const jwt = {
    jwksUrl: settings.JWT_JWKS_URL ?? '',
    issuer: settings.JWT_ISSUER ?? '',
    audience: settings.JWT_AUDIENCE ?? '',
    userClaim: settings.JWT_USER_CLAIM,
  };
  const header = { name: settings.VIEWER_HEADER, secret: settings.VIEWER_HEADER_SECRET ?? null };
  const takes = (...ways: Settings['AUTH']) => ways.some((way) => settings.AUTH.includes(way));
  return {
    // The names are those of the type, letter by letter.
    ...(Object.fromEntries(plain) as PlainConfig),
    production,
    tencent: {
      sdkAppId: settings.TENCENT_SDK_APP_ID,
      secretKey: settings.TENCENT_SECRET_KEY,
      adminId: settings.TENCENT_ADMIN,
      // One of the two is set.
      baseUrl: settings.TENCENT_BASE_URL ?? regionBaseUrl(settings.TENCENT_REGION as Region),
      timeoutMs: settings.UPSTREAM_TIMEOUT_MS,
    },
    redis: settings.REDIS_URL ? { nodes: settings.REDIS_URL, timeoutMs: settings.REDIS_TIMEOUT_MS } : null,
    memoryBytes: settings.CACHE_MEMORY_MB * 1024 * 1024,
    lifetimes: {
      page: { ...lifetimes('LIST'), validatedMs: settings.LIST_VALIDATED_SECONDS * 1000 },
      counts: lifetimes('COUNTS'),
      profile: lifetimes('PROFILE'),
      relation: lifetimes('RELATION'),
    },
    auth: {
      userSig: takes('usersig'),
      jwt: takes('jwt') ? jwt : null,
      header: takes('header', 'development') ? header : null,
    },
    writeLagMs: settings.WRITE_LAG_SECONDS * 1000,
    /** `path` null derives one that cannot be guessed. */
    webhook: settings.WEBHOOK_TOKEN ? { token: settings.WEBHOOK_TOKEN, path: settings.WEBHOOK_PATH ?? null } : null,
    introspection: settings.INTROSPECTION ?? !production,
    graphiql: settings.GRAPHIQL ?? !production,
    trustedDocuments: { mode: settings.TRUSTED_DOCUMENTS, path: settings.TRUSTED_DOCUMENTS_PATH ?? null },
    federation: { type: settings.FEDERATION_USER_TYPE, key: settings.FEDERATION_USER_KEY },
    // No operator has a reason to set these.
    chunkSize: 100,
    maxTargets: 100,
    knownFansMaxCalls: 10,
    eventLogLength: 10_000,
    maxDirectives: 50,
    // What keeps a core busy for some 50 ms.
    maxValues: 20_000,
    maxResponseBytes: 1_048_576,
  };
}
