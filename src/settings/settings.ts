// Every setting once: what it accepts, its default and its meaning, from which the table of deploy/README.md is made.
import { z } from 'zod';
import { REGIONS, type Region } from '../tencent/wire.ts';
import {
  baseUrl,
  graphqlName,
  hostName,
  httpsUrl,
  listVisibility,
  number,
  oneOf,
  onOrOff,
  origins,
  pattern,
  proxies,
  redisNodes,
  seconds,
  secret,
  text,
  webhookPath,
  wholeNumber,
  words,
  wordsOf,
} from './values.ts';

const regions = Object.keys(REGIONS) as Region[];

const EDITABLE =
  /^(nick|avatar|gender|birthday|location|selfSignature|language|level|role|allowType|adminForbidType|messageSettings|Tag_Profile_Custom_[A-Za-z]{1,8})$/;

/** Settings that are read under the same name: LOG_LEVEL is `logLevel`. Defaults stand as an operator would set them. */
export const PLAIN = z.object({
  HOST: hostName.prefault('127.0.0.1').describe('the address to listen on; the image sets 0.0.0.0'),
  PORT: number(0, 65_535, 4000, 'serves GraphQL at `/graphql`'),
  METRICS_PORT: wholeNumber(0, 65_535).nullable().default(null).describe('serves Prometheus metrics at `/metrics`'),
  LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .prefault('info')
    .describe('from `fatal` to `trace`, or `silent`'),
  SHUTDOWN_DRAIN_MS: number(0, 120_000, 1000, 'requests are still accepted so long after SIGTERM'),
  UPSTREAM_RATE: number(1, 100_000, 180, 'calls/s per command of all replicas; the app has 200, an alarm at 160'),
  REQUEST_DEADLINE_MS: number(100, 120_000, 10_000, 'how long one answer may wait for its data'),
  // The schema's default page of 20 must always be allowed.
  MAX_PAGE_SIZE: number(20, 1000, 100, 'the largest `first`, from 20 to 1000'),
  USER_ID_PATTERN: pattern.prefault('[A-Za-z0-9_-]{1,32}').describe('ids of users; never spaces, colons, braces'),
  PROFILE_CUSTOM_FIELDS: wordsOf(/^[A-Za-z]{1,8}$/, 'must be keys of 1 to 8 letters')
    .prefault('')
    .describe('keys of `Tag_Profile_Custom_*` to ask for, separated by commas'),
  PROFILE_EDITABLE_FIELDS: wordsOf(EDITABLE, 'must be fields of UpdateProfileInput, or custom tags')
    .prefault('nick,avatar,gender,birthday,location,selfSignature,language')
    .describe('what viewers may set of their profiles; custom fields as `Tag_Profile_Custom_Team`'),
  EMBEDDED_PROFILE: oneOf(['whole', 'partial'])
    .prefault('whole')
    .describe('`partial`: profiles in lists lack tags, and are asked for'),
  LIST_VISIBILITY: listVisibility
    .prefault('public')
    .describe('`public`, `authenticated`, `self`, or by list: `fans=self,follows=public`'),
  PRESENCE_VISIBILITY: oneOf(['public', 'authenticated', 'mutuals', 'self'])
    .prefault('mutuals')
    .describe('who sees whether a user is online: `public`, `authenticated`, `mutuals`, `self`'),
  SHOW_BLOCKED_BY: onOrOff.prefault('off').describe('viewers may know who blocks them'),
  SEARCH_MAX_FANS: number(1000, 100_000, 10_000, 'how many fans `matching` looks through, a call for each 1,000'),
  SUGGESTIONS_MAX_CALLS: number(3, 200, 30, 'from how many pages of lists `suggestions` are made at most'),
  USER_SEARCH: onOrOff.prefault('off').describe('`searchUsers` asks cloud search, paid for, in China and Singapore'),
  PINYIN_SEARCH: onOrOff.prefault('off').describe('Chinese nicks are found and sorted by their Pinyin'),
  MAX_SUBSCRIPTIONS: number(1, 1_000_000, 10_000, 'the most subscriptions of one process'),
  AUTOMATIC_PERSISTED_QUERIES: onOrOff.prefault('off').describe("Apollo's protocol; not with `strict`"),
  CORS_ORIGINS: origins
    .default([])
    .describe('origins whose pages may ask, by commas, as `https://app.example`; or `*`'),
  TRUST_PROXY: proxies.prefault('0').describe('how many proxies are believed on client addresses, or their networks'),
  MAX_TOKENS: number(100, 100_000, 2000, 'the most tokens of a document'),
  MAX_ALIASES: number(0, 10_000, 100, 'the most aliases in a document'),
  MAX_UPSTREAM_CALLS: number(1, 100_000, 250, 'the most upstream calls of one operation'),
  RATE_LIMIT_PER_MINUTE: wholeNumber(0, 10_000_000)
    .transform((limit) => limit || null)
    .prefault('0')
    .describe('requests of one viewer, or of one address; 0: no limit'),
});

export const SETTINGS = z.object({
  NODE_ENV: text
    .refine(
      (value) => value === 'production' || !/^prod/i.test(value),
      'must be "production", or a name that does not begin with "prod"',
    )
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
  UPSTREAM_TIMEOUT_MS: number(100, 60_000, 5000, "how long a call may take; the upstream's limit is 3000"),
  REDIS_URL: redisNodes
    .optional()
    .describe('`redis://` or `rediss://`, several of a cluster separated by commas, or `redis+sentinel://`'),
  REDIS_CLUSTER: onOrOff.prefault('off').describe('on: one address leads to a cluster that does not say so'),
  REDIS_CA: text.optional().describe('for `rediss`: a file with the certificates to trust, as PEM'),
  REDIS_TIMEOUT_MS: number(10, 10_000, 200, 'how long a query waits for Redis at most'),
  CACHE_MEMORY_MB: number(1, 65_536, 128, 'the bound of the memory tier'),
  PROFILE_FRESH_SECONDS: seconds(3600, 'how long a cached profile is fresh'),
  LIST_FRESH_SECONDS: seconds(30, 'how long cached lists, counts and relations are fresh; 0: every query asks'),
  LIST_STALE_SECONDS: seconds(
    3600,
    'how old lists and counts may be while newer ones cannot be had; relations at most 600',
  ),
  LIST_VALIDATED_SECONDS: seconds(120, "how long a cached list is fresh whose owner's counter stays the same"),
  WEBHOOK_FRESH_SECONDS: seconds(600, 'how long all but profiles are fresh while webhooks arrive'),
  AUTH: words
    .pipe(z.array(oneOf(['usersig', 'jwt', 'header', 'development'])))
    .prefault('')
    .describe('how requests may name a viewer: some of `usersig`, `jwt`, `header`, `development`'),
  JWT_JWKS_URL: httpsUrl.optional().describe("required for `jwt`: the issuer's keys; http for loopback only"),
  JWT_ISSUER: text.optional().describe('required for `jwt`'),
  JWT_AUDIENCE: text.optional().describe('required for `jwt`'),
  JWT_USER_CLAIM: text.prefault('sub').describe('the claim that holds the UserID'),
  VIEWER_HEADER_SECRET: secret
    .optional()
    .describe('required for `header`: what the router sends as `x-viewer-secret`, beside `x-viewer-id`'),
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
  HIVE_TOKEN: secret.optional().describe('reports usage of the schema to Hive, by this access token'),
  HIVE_TARGET: text
    .regex(
      /^([\w-]+(\/[\w-]+){2}|[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12})$/i,
      'must be organization/project/target, or an id',
    )
    .optional()
    .describe("required for tokens of an organization (`hvo1/…`): Hive's target, as a path or an id"),
  HIVE_ENDPOINT: httpsUrl.optional().describe('where usage is sent, in place of Hive itself; http for loopback only'),
  ...PLAIN.shape,
});
