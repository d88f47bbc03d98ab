// The table of settings: every variable with its check and its default, and what no single one can tell.
import { z } from 'zod';
import {
  baseUrl,
  customFields,
  environment,
  fetchUrl,
  graphqlName,
  headerName,
  hostName,
  isLoopback,
  listVisibility,
  oneOf,
  onOrOff,
  origins,
  pattern,
  proxies,
  redisUrl,
  seconds,
  someOf,
  text,
  webhookPath,
  wholeNumber,
} from './setting-values.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export const REGIONS = [
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

/** Every setting: its check, and its default where it has one. */
const SETTINGS = z.object({
  NODE_ENV: environment.default('development'),
  HOST: hostName.default('127.0.0.1'),
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
  UPSTREAM_RATE: wholeNumber(1, 100_000).default(180),
  PROFILE_FRESH_SECONDS: seconds.default(3600),
  PROFILE_STALE_SECONDS: seconds.default(86_400),
  LIST_FRESH_SECONDS: seconds.default(30),
  LIST_STALE_SECONDS: seconds.default(3600),
  COUNTS_FRESH_SECONDS: seconds.default(30),
  COUNTS_STALE_SECONDS: seconds.default(3600),
  RELATION_FRESH_SECONDS: seconds.default(30),
  RELATION_STALE_SECONDS: seconds.default(600),
  ABSENT_FRESH_SECONDS: seconds.default(30),
  TOLD_FRESH_SECONDS: seconds.default(600),
  AUTH: someOf(['usersig', 'jwt', 'header', 'development']).default([]),
  JWT_JWKS_URL: fetchUrl.optional(),
  JWT_ISSUER: text.optional(),
  JWT_AUDIENCE: text.optional(),
  JWT_USER_CLAIM: text.default('sub'),
  VIEWER_HEADER: headerName.default('x-viewer-id'),
  VIEWER_HEADER_SECRET: text.min(16, 'must have at least 16 characters').optional(),
  LIST_VISIBILITY: listVisibility.default({ fans: 'public', follows: 'public', mutuals: 'public' }),
  MAX_TARGETS: wholeNumber(1, 1000).default(100),
  WRITE_LAG_SECONDS: wholeNumber(0, 600).default(30),
  KNOWN_FANS_MAX_CALLS: wholeNumber(1, 100).default(10),
  WEBHOOK_TOKEN: text.max(128, 'must have at most 128 characters').optional(),
  WEBHOOK_PATH: webhookPath.optional(),
  EVENT_LOG_LENGTH: wholeNumber(100, 1_000_000).default(10_000),
  MAX_SUBSCRIPTIONS: wholeNumber(1, 1_000_000).default(10_000),
  FRESHNESS_EXTENSION: onOrOff.default(true),
  METRICS_PORT: wholeNumber(0, 65_535).optional(),
  CACHE_MEMORY_MB: wholeNumber(1, 65_536).default(64),
  PROFILE_CUSTOM_FIELDS: customFields.default([]),
  EMBEDDED_PROFILE: oneOf(['whole', 'partial']).default('whole'),
  INTROSPECTION: onOrOff.optional(),
  GRAPHIQL: onOrOff.optional(),
  FEDERATION_USER_TYPE: graphqlName.default('User'),
  FEDERATION_USER_KEY: graphqlName.default('id'),
  TRUSTED_DOCUMENTS: oneOf(['off', 'log', 'strict']).default('off'),
  TRUSTED_DOCUMENTS_PATH: text.optional(),
  AUTOMATIC_PERSISTED_QUERIES: onOrOff.default(false),
  CORS_ORIGINS: origins.default([]),
  TRUST_PROXY: proxies.default(0),
  MAX_BODY_BYTES: wholeNumber(1024, 16_777_216).default(102_400),
  MAX_DEPTH: wholeNumber(1, 100).default(15),
  MAX_TOKENS: wholeNumber(100, 100_000).default(10_000),
  MAX_ALIASES: wholeNumber(0, 10_000).default(500),
  MAX_DIRECTIVES: wholeNumber(0, 10_000).default(50),
  MAX_UPSTREAM_CALLS: wholeNumber(1, 100_000).default(250),
  MAX_VALUES: wholeNumber(100, 10_000_000).default(100_000),
  MAX_RESPONSE_BYTES: wholeNumber(1024, 100_000_000).default(5_242_880),
  RATE_LIMIT_PER_MINUTE: wholeNumber(0, 10_000_000).default(0),
  SHUTDOWN_DRAIN_MS: wholeNumber(0, 120_000).default(1000),
  LOG_LEVEL: oneOf(LOG_LEVELS).default('info'),
});

export const CONSISTENT_SETTINGS = SETTINGS.refine(({ PORT, METRICS_PORT }) => PORT === 0 || PORT !== METRICS_PORT, {
  path: ['METRICS_PORT'],
  error: 'must be another port than PORT',
});

/** What no single setting can tell: pairs that exclude or need each other, and names that look like ours but are not. */
export function contradictions(given: Environment): string[] {
  const problems: string[] = [];
  if (given.TENCENT_REGION && given.TENCENT_BASE_URL)
    problems.push('TENCENT_REGION and TENCENT_BASE_URL are both set: keep one');
  if (!given.TENCENT_REGION && !given.TENCENT_BASE_URL) {
    problems.push(`TENCENT_REGION is missing (one of ${REGIONS.join(', ')}), or TENCENT_BASE_URL in its place`);
  }
  const ways = (given.AUTH ?? '').split(',').map((way) => way.trim());
  const needs = (way: string, name: string) => {
    if (ways.includes(way) && !given[name]) problems.push(`${name} is missing: AUTH names ${way}`);
  };
  for (const name of ['JWT_JWKS_URL', 'JWT_ISSUER', 'JWT_AUDIENCE']) needs('jwt', name);
  needs('header', 'VIEWER_HEADER_SECRET');
  if (ways.includes('development') && (given.NODE_ENV === 'production' || !isLoopback(given.TENCENT_BASE_URL ?? '')))
    problems.push('AUTH names development, which lets anybody be anybody: it is for a sandbox on this machine alone');
  if (ways.includes('development') && (ways.includes('header') || given.VIEWER_HEADER_SECRET))
    problems.push(
      'AUTH names development, which takes VIEWER_HEADER without a secret: leave header and VIEWER_HEADER_SECRET out',
    );
  if (ways.includes('header') && given.CORS_ORIGINS === '*')
    problems.push('CORS_ORIGINS is *, but AUTH names header, so that cookies may say who asks: name the origins');
  if (given.WEBHOOK_PATH && !given.WEBHOOK_TOKEN) problems.push('WEBHOOK_TOKEN is missing: WEBHOOK_PATH is set');
  if (given.TRUSTED_DOCUMENTS === 'strict' && /^(on|true|1)$/i.test(given.AUTOMATIC_PERSISTED_QUERIES ?? ''))
    problems.push('AUTOMATIC_PERSISTED_QUERIES takes any document, and TRUSTED_DOCUMENTS=strict none: keep one');
  for (const name of Object.keys(given)) {
    if (name.startsWith('TENCENT_') && !(name in SETTINGS.shape))
      problems.push(`${name} is no setting of this gateway`);
  }
  return problems;
}
