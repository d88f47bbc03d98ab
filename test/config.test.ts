// The settings: what each accepts, what it is without one, and that everything wrong is said at once.
import { expect, test } from 'vitest';
import { describeSettings, type Environment, namesNoUpstream, readConfig } from '../src/config.ts';
import { ConfigError } from '../src/errors.ts';
import { REGIONS, type Region } from '../src/tencent/wire.ts';

const APP = { TENCENT_SDK_APP_ID: '1400000000', TENCENT_SECRET_KEY: 'a-secret-key-that-is-long-enough' };
const ENOUGH = { ...APP, TENCENT_REGION: 'singapore' };

/** What is wrong with an environment, sorted. */
function problemsOf(env: Environment): string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return [...error.problems].sort();
    throw error;
  }
  return [];
}

test('three settings are enough; all others are as deploy/README.md shows them', () => {
  const config = readConfig(ENOUGH);
  for (const { name, fallback } of describeSettings())
    if (fallback) expect(readConfig({ ...ENOUGH, [name]: fallback }), name).toEqual(config);
  const changing = { freshMs: 30_000, webhookFreshMs: 600_000, staleMs: 3_600_000 };
  expect(config).toMatchObject({
    production: false,
    tencent: { secretKey: APP.TENCENT_SECRET_KEY, baseUrl: 'https://adminapisgp.im.qcloud.com', timeoutMs: 5000 },
    lifetimes: {
      page: changing,
      counts: changing,
      profile: { freshMs: 3_600_000, webhookFreshMs: 3_600_000, staleMs: 86_400_000 },
      relation: { ...changing, staleMs: 600_000 },
    },
    auth: { userSig: false, jwt: null, header: null },
    ...{ webhook: null, redis: null, metricsPort: null, rateLimitPerMinute: null },
    ...{ introspection: true, graphiql: true, corsOrigins: [] },
  });
});

test('an empty or blank value counts as unset', () => {
  const blank = { PORT: '', TENCENT_BASE_URL: ' ', LOG_LEVEL: '\t', TENCENT_ADMIN: '' };
  expect(readConfig({ ...ENOUGH, ...blank })).toEqual(readConfig(ENOUGH));
});

test('variables that belong to others are ignored', () => {
  const names = [
    ...['PATH', 'HOME', 'HOSTNAME', 'HOSTTYPE', 'USER', 'USER_ID', 'LOGNAME', 'LANG', 'MAIL', 'NODE', 'NODE_OPTIONS'],
    ...['npm_config_port', 'npm_node_execpath', 'TENCENTCLOUD_SECRET_ID', 'PORT0', 'PORTS', 'OAUTH', 'XAUTHORITY'],
    ...['KUBERNETES_PORT', 'POST', 'constructor', '__proto__', 'LOG', 'JWT', 'REDIS', '_'],
  ];
  expect(problemsOf({ ...ENOUGH, ...Object.fromEntries(names.map((name) => [name, 'x'])) })).toEqual([]);
});

const JWT = { JWT_JWKS_URL: 'https://keys.example/jwks', JWT_ISSUER: 'https://login.example', JWT_AUDIENCE: 'gateway' };
const jwt = { jwksUrl: JWT.JWT_JWKS_URL, issuer: JWT.JWT_ISSUER, audience: 'gateway', userClaim: 'sub' };
const VIEWER_HEADER_SECRET = 'the-secret-of-the-router';
/** A sandbox of this machine in place of a region. */
const SANDBOX = { TENCENT_REGION: '', TENCENT_BASE_URL: 'http://127.0.0.1:4100' };
const ONE_REDIS = 'rediss://me:secret@cache.example:6380/1';
const SENTINEL = 'rediss+sentinel://me:secret@';
const PRODUCTION = { NODE_ENV: 'production' };

const HOUR = 3_600_000;
const NEVER_FRESH = { freshMs: 0, webhookFreshMs: 0, staleMs: HOUR };

// What tests over HTTP set they also hold to its meaning.
test.each<[Environment, object]>([
  [{ HOST: '::' }, { host: '::' }],
  [{ HOST: 'fe80::1%eth0' }, { host: 'fe80::1%eth0' }],
  [{ HOST: 'gateway_1.internal.' }, { host: 'gateway_1.internal.' }],
  [{ NODE_ENV: 'staging' }, { production: false }],
  [{ TENCENT_ADMIN: 'root_1' }, { tencent: { adminId: 'root_1' } }],
  [{ LIST_FRESH_SECONDS: '0' }, { lifetimes: { page: NEVER_FRESH, counts: NEVER_FRESH } }],
  [{ LIST_STALE_SECONDS: '60' }, { lifetimes: { page: { freshMs: 30_000, staleMs: 60_000 } } }],
  [{ LIST_STALE_SECONDS: '0' }, { lifetimes: { counts: { staleMs: 30_000 }, relation: { staleMs: 30_000 } } }],
  [{ PROFILE_FRESH_SECONDS: '172800' }, { lifetimes: { profile: { freshMs: 172_800_000, staleMs: 172_800_000 } } }],
  [
    { WEBHOOK_FRESH_SECONDS: '3600' },
    { lifetimes: { page: { webhookFreshMs: HOUR }, profile: { webhookFreshMs: HOUR } } },
  ],
  [
    // Webhooks make nothing fresh for shorter.
    { LIST_FRESH_SECONDS: '1200', WEBHOOK_FRESH_SECONDS: '60' },
    { lifetimes: { page: { webhookFreshMs: 1_200_000 }, counts: { webhookFreshMs: 1_200_000 } } },
  ],
  [{ AUTH: 'jwt', ...JWT, JWT_USER_CLAIM: 'uid' }, { auth: { jwt: { ...jwt, userClaim: 'uid' } } }],
  [
    { LIST_VISIBILITY: 'fans=self, mutuals=authenticated' },
    { listVisibility: { fans: 'self', follows: 'public', mutuals: 'authenticated' } },
  ],
  [{ CACHE_MEMORY_MB: '1' }, { memoryBytes: 1024 * 1024 }],
  [{ PROFILE_CUSTOM_FIELDS: 'Test, Team,,Mood' }, { profileCustomFields: ['Test', 'Team', 'Mood'] }],
  [
    { INTROSPECTION: '0', GRAPHIQL: 'FALSE' },
    { introspection: false, graphiql: false },
  ],
  [{ TRUSTED_DOCUMENTS: 'strict', AUTOMATIC_PERSISTED_QUERIES: 'off' }, { automaticPersistedQueries: false }],
  [{ TRUSTED_DOCUMENTS: 'log', AUTOMATIC_PERSISTED_QUERIES: 'on' }, { trustedDocuments: { mode: 'log', path: null } }],
  [
    { REDIS_URL: ONE_REDIS },
    { redis: { nodes: [{ href: ONE_REDIS }], isCluster: false, timeoutMs: 200, caPath: null } },
  ],
  [
    { REDIS_URL: 'redis://a:6379, redis://b:6379', REDIS_CLUSTER: 'on' },
    { redis: { nodes: [{ href: 'redis://a:6379' }, { href: 'redis://b:6379' }], isCluster: true } },
  ],
  [
    { REDIS_URL: `${SENTINEL}a:26379, [::1]/cache`, REDIS_CA: '/ca.pem', REDIS_TIMEOUT_MS: '50' },
    { redis: { nodes: [{ href: `${SENTINEL}a:26379/cache` }, { href: `${SENTINEL}[::1]/cache` }] } },
  ],
  [
    { REDIS_URL: 'rediss://a', REDIS_CA: '/ca.pem', REDIS_TIMEOUT_MS: '50' },
    { redis: { timeoutMs: 50, caPath: '/ca.pem' } },
  ],
  ...[
    ['https://host.example', 'https://host.example'],
    ['https://host.example/', 'https://host.example'],
    ['https://HOST.example:8443', 'https://host.example:8443'],
    ['http://127.9.9.9', 'http://127.9.9.9'],
    ['http://[::1]:4100', 'http://[::1]:4100'],
  ].map(([given, baseUrl]): [Environment, object] => [
    { TENCENT_REGION: '', TENCENT_BASE_URL: given },
    { tencent: { baseUrl } },
  ]),
])('%j is understood', (env, expected) => {
  expect(readConfig({ ...ENOUGH, ...env })).toMatchObject(expected);
});

const TRACES = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
const NO_REGION = { TENCENT_REGION: '' };
const NOT_LOCAL = ['host.example', '127.0.0.1.host.example', 'localhost.host.example', '10.0.0.1', '0.0.0.0'];

test.each<[name: string, values: string[], needs?: Environment, says?: string]>([
  ['NODE_ENV', ['Production', 'prod', 'PRODUCTION', 'production-eu']],
  ['HOST', ['http://127.0.0.1', '127.0.0.1:4000', 'a b', '/tmp/socket', '..']],
  ['PORT', ['65536', '-1', '80.5', 'http', '0x50', '1e3']],
  ['TENCENT_SDK_APP_ID', ['0', 'app', '1 400', '99999999999999999999']],
  ['TENCENT_SECRET_KEY', ['short']],
  ['TENCENT_ADMIN', ['two words', 'a:b', 'x'.repeat(33)]],
  ['TENCENT_REGION', ['atlantis', 'Singapore', 'toString']],
  ['UPSTREAM_TIMEOUT_MS', ['99', '60001', '5s']],
  ['REQUEST_DEADLINE_MS', ['99', '120001']],
  ['MAX_PAGE_SIZE', ['0', '1001']],
  ['USER_ID_PATTERN', ['[a-z', '(']],
  ['REDIS_URL', ['localhost:6379', 'http://localhost', 'redis://', 'redis://a:6379,b:6379']],
  ['REDIS_URL', ['redis://a#hunter2', 'redis://a:0', 'redis+sentinel://a', 'redis+sentinel://a:0/name']],
  ['REDIS_URL', ['redis+sentinel://a,redis://b/name', 'redis+sentinel://,/b']],
  ['REDIS_TIMEOUT_MS', ['9', '10001']],
  ['UPSTREAM_RATE', ['0', '100001', '160/s']],
  ['PROFILE_FRESH_SECONDS', ['-1', '2592001', 'soon']],
  ['LIST_FRESH_SECONDS', ['-1', '2592001', 'soon']],
  ['LIST_STALE_SECONDS', ['-1', '2592001', '1h']],
  ['WEBHOOK_FRESH_SECONDS', ['-1', '2592001', 'soon']],
  ['AUTH', ['password', 'usersig;jwt', 'UserSig', 'toString']],
  ['LIST_VISIBILITY', ['private', 'fans', 'fans=', 'friends=self']],
  ['LIST_VISIBILITY', ['fans=self=public', 'toString=self', 'fans=self,fans=public']],
  ['MAX_ALIASES', ['-1', '10001']],
  ['MAX_UPSTREAM_CALLS', ['0', '100001']],
  ['RATE_LIMIT_PER_MINUTE', ['-1', '10000001']],
  ['WRITE_LAG_SECONDS', ['-1', '601']],
  ['WEBHOOK_TOKEN', ['x'.repeat(129)]],
  ['MAX_SUBSCRIPTIONS', ['0', '1000001']],
  ['METRICS_PORT', ['65536', 'no']],
  ['CACHE_MEMORY_MB', ['0', '65537']],
  ['PROFILE_CUSTOM_FIELDS', ['Tag_Profile_Custom_Test', 'ninechars', 'a;b', 'a b']],
  ['EMBEDDED_PROFILE', ['half']],
  ['INTROSPECTION', ['maybe']],
  ['GRAPHIQL', ['2']],
  ['TRUSTED_DOCUMENTS', ['on', 'Strict', 'toString']],
  ['AUTOMATIC_PERSISTED_QUERIES', ['2', 'yes']],
  ['CORS_ORIGINS', ['app.example', 'https://app.example/', 'https://APP.example', 'null']],
  ['CORS_ORIGINS', ['https://*.example', 'https://a.example,*']],
  ['TRUST_PROXY', ['10', '-1', 'on', '10.0.0.0/33', '::1/129', '10.0.0.0/8/8', 'proxy.example', '10.0.0.1,']],
  ['MAX_TOKENS', ['99', '100001']],
  ['SHUTDOWN_DRAIN_MS', ['-1', '120001']],
  ['LOG_LEVEL', ['loud', 'INFO']],
  ['TENCENT_BASE_URL', [...NOT_LOCAL.map((host) => `http://${host}`), 'ftp://localhost'], NO_REGION, 'https'],
  ['TENCENT_BASE_URL', ['host.example'], NO_REGION, 'URL'],
  ['TENCENT_BASE_URL', ['https://host.example/v4', 'https://host.example/?a=1'], NO_REGION, 'host alone'],
  ['TENCENT_BASE_URL', ['https://me:hunter2@host.example'], NO_REGION, 'without credentials'],
  ['WEBHOOK_PATH', ['hooks', '/', '/a b', '/a?b', '/a!b', '/x'.repeat(101)], { WEBHOOK_TOKEN: 'x' }],
  ['WEBHOOK_PATH', ['/graphql', '/graphql/', '/health/live'], { WEBHOOK_TOKEN: 'x' }],
  ['HIVE_TARGET', ['nonsense', 'a/b', 'a b/c/d', 'a/b/c/d'], { HIVE_TOKEN: 'hvo1/0123456789abcdef' }],
  ['HIVE_ENDPOINT', ['http://hive.example', 'hive.example'], { HIVE_TOKEN: '0123456789abcdef' }],
  ['JWT_JWKS_URL', ['keys', 'http://keys.example/jwks', 'ftp://127.0.0.1/jwks'], { AUTH: 'jwt', ...JWT }],
  ['JWT_JWKS_URL', ['https://me:hunter2@keys.example/jwks'], { AUTH: 'jwt', ...JWT }],
  ['VIEWER_HEADER_SECRET', ['short'], { AUTH: 'header' }],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', ['nonsense', 'collector:4318', 'ftp://collector'], TRACES],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', ['grpc'], TRACES],
  ['OTEL_EXPORTER_OTLP_HEADERS', ['hunter2', 'x y=hunter2', 'a=b,,c=hunter2'], TRACES],
  ['OTEL_RESOURCE_ATTRIBUTES', ['a', 'a=b=c'], TRACES],
  ['OTEL_TRACES_SAMPLER', ['always', 'jaeger_remote'], TRACES],
  ['OTEL_TRACES_SAMPLER_ARG', ['2', '1.5', '-1', '1%', '0.5x'], TRACES],
  ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', ['-4', '0', 'many'], TRACES],
])('%s refuses %j, naming itself and the remedy', (name, values, needs = {}, says = '') => {
  for (const value of values) {
    const [problem, ...others] = problemsOf({ ...ENOUGH, ...needs, [name]: value });
    expect(problem).toMatch(new RegExp(`^${name} (must be|must have|is too short) (?!.*hunter2).*${says}`));
    expect(others).toEqual([]);
  }
});

test('the settings of OpenTelemetry’s own page are taken, and a misspelt collector is no silence', () => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'https://api.example/otlp',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Basic MTIz==,x-scope=1',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod,service.namespace=a%3Db,',
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.01',
    OTEL_BSP_MAX_QUEUE_SIZE: '4096',
  };
  expect(problemsOf({ ...ENOUGH, ...env })).toEqual([]);
  expect(problemsOf({ ...ENOUGH, OTEL_TRACES_SAMPLER: 'jaeger_remote' })).toEqual([]);
  expect(problemsOf({ ...ENOUGH, OTEL_EXPORTER_OLTP_ENDPOINT: 'http://collector:4318' })).toEqual([
    'OTEL_EXPORTER_OLTP_ENDPOINT is no setting of this gateway; is OTEL_EXPORTER_OTLP_ENDPOINT meant?',
  ]);
});

const APQ = 'AUTOMATIC_PERSISTED_QUERIES takes any document, and TRUSTED_DOCUMENTS=strict none: keep one';
const ANYBODY = 'AUTH names development, which lets anybody be anybody: it is for a sandbox on this machine alone';
const BOTH_HEADERS = 'AUTH names development, which takes x-viewer-id without a secret: leave header out';
const COOKIES = 'CORS_ORIGINS is *, but AUTH names header, so that cookies may name the viewer: name the origins';
const NO_CLUSTER = 'REDIS_CLUSTER is for redis:// and rediss://, which REDIS_URL is not';

test.each<[problem: string, env: Environment]>([
  // Without effect.
  ['REDIS_CA is for rediss://, which REDIS_URL is not', { REDIS_CA: '/ca.pem', REDIS_URL: 'redis://a' }],
  [NO_CLUSTER, { REDIS_CLUSTER: 'on' }],
  [NO_CLUSTER, { REDIS_CLUSTER: 'on', REDIS_URL: 'redis+sentinel://a/name' }],
  ['WEBHOOK_TOKEN is missing: WEBHOOK_PATH is set', { WEBHOOK_PATH: '/hooks/follow' }],
  ['TRUSTED_DOCUMENTS is missing: TRUSTED_DOCUMENTS_PATH is set', { TRUSTED_DOCUMENTS_PATH: '/documents' }],
  ['AUTH does not name header: VIEWER_HEADER_SECRET is set', { VIEWER_HEADER_SECRET }],
  ...Object.entries(JWT).map(([name, value]): [string, Environment] => [
    `AUTH does not name jwt: ${name} is set`,
    { AUTH: 'usersig', [name]: value },
  ]),
  // Excluding each other.
  ...['on', 'TRUE', '1'].map((on): [string, Environment] => [
    APQ,
    { TRUSTED_DOCUMENTS: 'strict', AUTOMATIC_PERSISTED_QUERIES: on },
  ]),
  ['TENCENT_REGION and TENCENT_BASE_URL are both set: keep one', { TENCENT_BASE_URL: 'https://host.example' }],
  [COOKIES, { AUTH: 'header', VIEWER_HEADER_SECRET, CORS_ORIGINS: '*' }],
  // Believing whom nobody has proven, anywhere but before a sandbox of this machine.
  [ANYBODY, { AUTH: 'usersig, development' }],
  [ANYBODY, { AUTH: 'development', TENCENT_REGION: '', TENCENT_BASE_URL: 'https://sandbox.example' }],
  [ANYBODY, { AUTH: 'development', TENCENT_REGION: '', TENCENT_BASE_URL: 'https://127.0.0.1.example' }],
  [ANYBODY, { AUTH: 'development', ...SANDBOX, ...PRODUCTION }],
  [BOTH_HEADERS, { AUTH: 'development,header', ...SANDBOX, VIEWER_HEADER_SECRET }],
  ['AUTH does not name header: VIEWER_HEADER_SECRET is set', { AUTH: 'development', ...SANDBOX, VIEWER_HEADER_SECRET }],
])('refused: %s (%j)', (problem, env) => {
  expect(problemsOf({ ...ENOUGH, ...env })).toEqual([problem]);
});

test('the settings that the named ways to authenticate need are asked for, all at once', () => {
  expect(problemsOf({ ...ENOUGH, AUTH: 'jwt,header' })).toEqual([
    'JWT_AUDIENCE is missing: AUTH names jwt',
    'JWT_ISSUER is missing: AUTH names jwt',
    'JWT_JWKS_URL is missing: AUTH names jwt',
    'VIEWER_HEADER_SECRET is missing: AUTH names header',
  ]);
});

test('a user id pattern matches ids whole', () => {
  const { userIdPattern } = readConfig({ ...ENOUGH, USER_ID_PATTERN: 'u|[0-9]+' });
  expect(['u', '42', 'u42', ' 42', '42\n'].filter((id) => userIdPattern.test(id))).toEqual(['u', '42']);
});

test('without a pattern of its own a user id is 1 to 32 letters, digits, _ and -', () => {
  const { userIdPattern } = readConfig(ENOUGH);
  const ids = ['UserID_001', 'a-b', 'x'.repeat(32), '', 'x'.repeat(33), 'a b', 'a:b', 'é', 'a\n'];
  expect(ids.filter((id) => userIdPattern.test(id))).toEqual(ids.slice(0, 3));
});

test('exactly the regions of the upstream’s table are known, and one of them, or a base URL, is needed', () => {
  const regions = Object.keys(REGIONS);
  for (const region of regions)
    expect(readConfig({ ...APP, TENCENT_REGION: region }).tencent.baseUrl).toBe(`https://${REGIONS[region as Region]}`);
  const names = regions.join(', ');
  expect(problemsOf({ ...APP, TENCENT_REGION: 'atlantis' })).toEqual([`TENCENT_REGION must be one of ${names}`]);
  expect(problemsOf(APP)).toEqual([`TENCENT_REGION is missing (one of ${names}), or TENCENT_BASE_URL in its place`]);
});

test.each([
  ['REDIS_HOST', 'is REDIS_URL or REDIS_CLUSTER or REDIS_CA or REDIS_TIMEOUT_MS meant?'],
  ['redis_url', 'is REDIS_URL meant?'],
  ['TENCENT_REGOIN', 'is TENCENT_REGION meant?'],
  ['TENCENT_APP', expect.stringContaining('TENCENT_SDK_APP_ID')],
  ['WEBHOOK_SECRET', expect.stringContaining('WEBHOOK_TOKEN')],
  ['CORS_ORIGIN', 'is CORS_ORIGINS meant?'],
  ['MAX_TOKEN', 'is MAX_TOKENS meant?'],
  ['MAX_ALIAS', 'is MAX_ALIASES meant?'],
  ['UPSTREAM_TIMEOUT', 'is UPSTREAM_TIMEOUT_MS meant?'],
  ['AUT', 'is AUTH meant?'],
  ['AUTHS', 'is AUTH meant?'],
  ['PROT', 'is PORT meant?'],
  ['LIST_VISIBLITY', 'is LIST_VISIBILITY meant?'],
  ['LIST_VISABILITY', 'is LIST_VISIBILITY meant?'],
  ['TRUSTED_DOCUMENT', 'is TRUSTED_DOCUMENTS meant?'],
  ['TRUSTED_DOCUMENTS_PAHT', 'is TRUSTED_DOCUMENTS_PATH meant?'],
  ['REDIS_URI', 'is REDIS_URL meant?'],
  ['METRIC_PORT', 'is METRICS_PORT meant?'],
  ['rate_limit_per_minute', 'is RATE_LIMIT_PER_MINUTE meant?'],
  ['WEBHOOK_TOKENS', 'is WEBHOOK_TOKEN meant?'],
  ['redis_host', 'is REDIS_URL or REDIS_CLUSTER or REDIS_CA or REDIS_TIMEOUT_MS meant?'],
])('the variable %s, which looks like a setting, is refused with the name that is meant', (name, remedy) => {
  const [problem = '', ...others] = problemsOf({ ...ENOUGH, [name]: 'hunter2' });
  expect(others).toEqual([]);
  expect(problem.split(' is no setting of this gateway; ')).toEqual([name, remedy]);
});

test('variables that Kubernetes and hosts of Redis set beside are no misspelling', () => {
  const services = {
    REDIS_PORT: 'x',
    REDIS_SERVICE_HOST: 'x',
    REDIS_PORT_6379_TCP_ADDR: 'x',
    WEBHOOK_SERVICE_PORT: '1',
  };
  expect(problemsOf({ ...ENOUGH, ...services })).toEqual([]);
  expect(problemsOf({ ...ENOUGH, REDIS_URL: 'redis://a', REDIS_TLS_URL: 'rediss://a' })).toEqual([]);
});

test('everything that is wrong is said at once, and no secret is part of it', () => {
  const env = {
    PORT: 'http',
    TENCENT_SDK_APP_ID: 'app',
    TENCENT_SECRET_KEY: 'hunter2',
    REDIS_URL: 'https://me:opensesame@cache.example',
    TENCENT_APP: 'x',
    MAX_TOKENS: '0',
    AUTH: 'usersig,jwt,header,magic',
    JWT_JWKS_URL: 'https://me:letmein@keys.example',
    VIEWER_HEADER_SECRET: 'mellon',
    WEBHOOK_TOKEN: 'shibboleth'.repeat(13),
    WEBHOOK_PATH: 'guessed',
    LIST_VISIBILITY: 'none',
  };
  expect(
    problemsOf(env)
      .map((problem) => problem.split(' ')[0])
      .join(' '),
  ).toBe(
    'AUTH JWT_AUDIENCE JWT_ISSUER JWT_JWKS_URL LIST_VISIBILITY MAX_TOKENS PORT REDIS_URL TENCENT_APP TENCENT_REGION ' +
      'TENCENT_SDK_APP_ID TENCENT_SECRET_KEY VIEWER_HEADER_SECRET WEBHOOK_PATH WEBHOOK_TOKEN',
  );
  expect(() => readConfig(env)).toThrow(/^15 settings are wrong:\n {2}/);
  expect(() => readConfig(env)).not.toThrow(/hunter2|opensesame|letmein|mellon|shibboleth|guessed/);
});

test('with nothing set, both parts of the app are asked for', () => {
  expect(problemsOf({})).toEqual([
    expect.stringMatching(/^TENCENT_REGION is missing/),
    'TENCENT_SDK_APP_ID is missing',
    'TENCENT_SECRET_KEY is missing',
  ]);
});

test('a sandbox steps in only where no upstream setting has a value', () => {
  expect(namesNoUpstream({})).toBe(true);
  expect(namesNoUpstream({ PORT: '0', TENCENT_ADMIN: ' ' })).toBe(true);
  expect(namesNoUpstream({ TENCENT_ADMIN: 'root' })).toBe(false);
  expect(namesNoUpstream({ TENCENT_TYPO: 'x' })).toBe(false);
  expect(namesNoUpstream(PRODUCTION)).toBe(false);
});
