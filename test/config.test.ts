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

test('blank values and variables that belong to others are as good as none', () => {
  const blank = { PORT: '', TENCENT_BASE_URL: ' ', LOG_LEVEL: '\t', TENCENT_ADMIN: '' };
  const names = [
    ...['PATH', 'HOME', 'HOSTNAME', 'HOSTTYPE', 'USER', 'USER_ID', 'LOGNAME', 'LANG', 'MAIL', 'NODE', 'NODE_OPTIONS'],
    ...['npm_config_port', 'npm_node_execpath', 'TENCENTCLOUD_SECRET_ID', 'PORT0', 'PORTS', 'OAUTH', 'XAUTHORITY'],
    ...['KUBERNETES_PORT', 'POST', 'constructor', '__proto__', 'LOG', 'JWT', 'REDIS', '_', 'REDIS_PORT'],
    ...['REDIS_SERVICE_HOST', 'REDIS_PORT_6379_TCP_ADDR', 'WEBHOOK_SERVICE_PORT'],
  ];
  const others = Object.fromEntries(names.map((name) => [name, 'x']));
  expect(readConfig({ ...ENOUGH, ...blank, ...others })).toEqual(readConfig(ENOUGH));
  // Platforms set another address beside.
  expect(problemsOf({ ...ENOUGH, REDIS_URL: 'redis://a', REDIS_TLS_URL: 'rediss://a' })).toEqual([]);
});

const JWT = { JWT_JWKS_URL: 'https://keys.example/jwks', JWT_ISSUER: 'https://login.example', JWT_AUDIENCE: 'gateway' };
const jwt = { jwksUrl: JWT.JWT_JWKS_URL, issuer: JWT.JWT_ISSUER, audience: 'gateway', userClaim: 'sub' };
const VIEWER_HEADER_SECRET = 'the-secret-of-the-router';
/** A sandbox of this machine in place of a region. */
const SANDBOX = { TENCENT_REGION: '', TENCENT_BASE_URL: 'http://127.0.0.1:4100' };
const ONE_REDIS = 'rediss://me:secret@cache.example:6380/1';
const SENTINEL = 'rediss+sentinel://me:secret@';
const PRODUCTION = { NODE_ENV: 'production' };
const redisOf = (urls: string[], change: object = {}) => ({
  ...{ nodes: urls.map((url) => new URL(url)), isCluster: false, timeoutMs: 200, caPath: null },
  ...change,
});

const URL_OF = (TENCENT_BASE_URL: string) => ({ TENCENT_REGION: '', TENCENT_BASE_URL });

// What tests over HTTP set they also hold to its meaning.
test.each<[Environment, path: string, value: unknown]>([
  [{ HOST: 'fe80::1%eth0' }, 'host', 'fe80::1%eth0'],
  [{ HOST: 'gateway_1.internal.' }, 'host', 'gateway_1.internal.'],
  [{ NODE_ENV: 'staging' }, 'production', false],
  [{ TENCENT_ADMIN: 'root_1' }, 'tencent.adminId', 'root_1'],
  [{ LIST_FRESH_SECONDS: '0' }, 'lifetimes.page.webhookFreshMs', 0],
  [{ LIST_FRESH_SECONDS: '0' }, 'lifetimes.counts', { freshMs: 0, webhookFreshMs: 0, staleMs: 3_600_000 }],
  [{ LIST_STALE_SECONDS: '60' }, 'lifetimes.page.staleMs', 60_000],
  [{ LIST_STALE_SECONDS: '0' }, 'lifetimes.counts.staleMs', 30_000],
  [{ LIST_STALE_SECONDS: '0' }, 'lifetimes.relation.staleMs', 30_000],
  [{ PROFILE_FRESH_SECONDS: '172800' }, 'lifetimes.profile.freshMs', 172_800_000],
  [{ PROFILE_FRESH_SECONDS: '172800' }, 'lifetimes.profile.staleMs', 172_800_000],
  [{ WEBHOOK_FRESH_SECONDS: '3600' }, 'lifetimes.page.webhookFreshMs', 3_600_000],
  [{ WEBHOOK_FRESH_SECONDS: '3600' }, 'lifetimes.profile.webhookFreshMs', 3_600_000],
  // Webhooks make nothing fresh for shorter.
  [{ LIST_FRESH_SECONDS: '1200', WEBHOOK_FRESH_SECONDS: '60' }, 'lifetimes.page.webhookFreshMs', 1_200_000],
  [{ LIST_FRESH_SECONDS: '1200', WEBHOOK_FRESH_SECONDS: '60' }, 'lifetimes.counts.webhookFreshMs', 1_200_000],
  [{ AUTH: 'jwt', ...JWT, JWT_USER_CLAIM: 'uid' }, 'auth.jwt', { ...jwt, userClaim: 'uid' }],
  [
    { LIST_VISIBILITY: 'fans=self, mutuals=self' },
    'listVisibility',
    { fans: 'self', follows: 'public', mutuals: 'self' },
  ],
  [{ CACHE_MEMORY_MB: '1' }, 'memoryBytes', 1024 * 1024],
  [{ PROFILE_CUSTOM_FIELDS: 'Test, Team,,Mood' }, 'profileCustomFields', ['Test', 'Team', 'Mood']],
  [{ INTROSPECTION: '0' }, 'introspection', false],
  [{ GRAPHIQL: 'FALSE' }, 'graphiql', false],
  [{ TRUSTED_DOCUMENTS: 'strict', AUTOMATIC_PERSISTED_QUERIES: 'off' }, 'automaticPersistedQueries', false],
  [{ TRUSTED_DOCUMENTS: 'log', AUTOMATIC_PERSISTED_QUERIES: 'on' }, 'trustedDocuments', { mode: 'log', path: null }],
  [{ REDIS_URL: ONE_REDIS }, 'redis', redisOf([ONE_REDIS])],
  [{ REDIS_URL: 'rediss://a, rediss://b' }, 'redis', redisOf(['rediss://a', 'rediss://b'])],
  [{ REDIS_URL: 'rediss://a', REDIS_CLUSTER: 'on' }, 'redis', redisOf(['rediss://a'], { isCluster: true })],
  [{ REDIS_URL: 'rediss://a', REDIS_CA: '/ca.pem' }, 'redis', redisOf(['rediss://a'], { caPath: '/ca.pem' })],
  [{ REDIS_URL: 'rediss://a', REDIS_TIMEOUT_MS: '50' }, 'redis', redisOf(['rediss://a'], { timeoutMs: 50 })],
  [{ REDIS_URL: `${SENTINEL}a:26379, [::1]/b` }, 'redis', redisOf([`${SENTINEL}a:26379/b`, `${SENTINEL}[::1]/b`])],
  [URL_OF('https://host.example/'), 'tencent.baseUrl', 'https://host.example'],
  [URL_OF('https://HOST.example:8443'), 'tencent.baseUrl', 'https://host.example:8443'],
  [URL_OF('http://127.9.9.9'), 'tencent.baseUrl', 'http://127.9.9.9'],
  [URL_OF('http://[::1]:4100'), 'tencent.baseUrl', 'http://[::1]:4100'],
])('%j is understood: %s is %j', (env, path, value) => {
  expect(readConfig({ ...ENOUGH, ...env })).toHaveProperty(path, value);
});

test.each<[names: string, from: number, to: number]>([
  ['PORT METRICS_PORT', 0, 65_535],
  ['UPSTREAM_TIMEOUT_MS', 100, 60_000],
  ['REQUEST_DEADLINE_MS', 100, 120_000],
  ['REDIS_TIMEOUT_MS', 10, 10_000],
  ['SHUTDOWN_DRAIN_MS', 0, 120_000],
  ['UPSTREAM_RATE MAX_UPSTREAM_CALLS', 1, 100_000],
  ['PROFILE_FRESH_SECONDS LIST_FRESH_SECONDS LIST_STALE_SECONDS WEBHOOK_FRESH_SECONDS', 0, 2_592_000],
  ['MAX_PAGE_SIZE', 20, 1000],
  ['MAX_ALIASES', 0, 10_000],
  ['MAX_TOKENS', 100, 100_000],
  ['MAX_SUBSCRIPTIONS', 1, 1_000_000],
  ['RATE_LIMIT_PER_MINUTE', 0, 10_000_000],
  ['WRITE_LAG_SECONDS', 0, 600],
  ['CACHE_MEMORY_MB', 1, 65_536],
])('%s may be whole numbers from %i to %i, and nothing else', (names, from, to) => {
  for (const name of names.split(' ')) {
    for (const value of [from, to]) expect(problemsOf({ ...ENOUGH, [name]: `${value}` })).toEqual([]);
    for (const value of [from - 1, to + 1, to - 0.5, 'soon', '5s', '160/s', '0x50', '1e3'])
      expect(problemsOf({ ...ENOUGH, [name]: `${value}` })).toEqual([expect.stringMatching(`^${name} must be`)]);
  }
});

const TRACES = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
const NO_REGION = { TENCENT_REGION: '' };
const NOT_LOCAL = ['host.example', '127.0.0.1.host.example', 'localhost.host.example', '10.0.0.1', '0.0.0.0'];

test.each<[name: string, values: string[], needs?: Environment, says?: string]>([
  ['NODE_ENV', ['Production', 'prod', 'PRODUCTION', 'production-eu']],
  ['HOST', ['http://127.0.0.1', '127.0.0.1:4000', 'a b', '/tmp/socket', '..']],
  ['TENCENT_SDK_APP_ID', ['0', 'app', '1 400', '99999999999999999999']],
  ['TENCENT_SECRET_KEY', ['short']],
  ['TENCENT_ADMIN', ['two words', 'a:b', 'x'.repeat(33)]],
  ['TENCENT_REGION', ['atlantis', 'Singapore', 'toString']],
  ['USER_ID_PATTERN', ['[a-z', '(']],
  ['REDIS_URL', ['localhost:6379', 'http://localhost', 'redis://', 'redis://a:6379,b:6379']],
  ['REDIS_URL', ['redis://a#hunter2', 'redis://a:0', 'redis+sentinel://a', 'redis+sentinel://a:0/name']],
  ['REDIS_URL', ['redis+sentinel://a,redis://b/name', 'redis+sentinel://,/b']],
  ['AUTH', ['password', 'usersig;jwt', 'UserSig', 'toString']],
  ['LIST_VISIBILITY', ['private', 'fans', 'fans=', 'friends=self']],
  ['LIST_VISIBILITY', ['fans=self=public', 'toString=self', 'fans=self,fans=public']],
  ['WEBHOOK_TOKEN', ['x'.repeat(129)]],
  ['PROFILE_CUSTOM_FIELDS', ['Tag_Profile_Custom_Test', 'ninechars', 'a;b', 'a b']],
  ['EMBEDDED_PROFILE', ['half']],
  ['INTROSPECTION', ['maybe']],
  ['GRAPHIQL', ['2']],
  ['TRUSTED_DOCUMENTS', ['on', 'Strict', 'toString']],
  ['AUTOMATIC_PERSISTED_QUERIES', ['2', 'yes']],
  ['CORS_ORIGINS', ['app.example', 'https://app.example/', 'https://APP.example', 'null']],
  ['CORS_ORIGINS', ['https://*.example', 'https://a.example,*']],
  ['TRUST_PROXY', ['10', '-1', 'on', '10.0.0.0/33', '::1/129', '10.0.0.0/8/8', 'proxy.example', '10.0.0.1,']],
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
  ['OTEL_EXPORTER_OTLP_ENDPOINT', ['nonsense', 'collector:4318', 'ftp://collector', 'http://[::1'], TRACES],
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
  ['METRICS_PORT must be another port than PORT', { METRICS_PORT: '4000' }],
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

test.each([
  [{ USER_ID_PATTERN: 'u|[0-9]+' }, ['u', '42'], ['u42', ' 42', '42\n']],
  [{}, ['UserID_001', 'a-b', 'x'.repeat(32)], ['', 'x'.repeat(33), 'a b', 'a:b', 'é', 'a\n']],
])('with %j ids of users are such as %j, not %j', (env, ids, others) => {
  const { userIdPattern } = readConfig({ ...ENOUGH, ...env });
  expect([...ids, ...others].filter((id) => userIdPattern.test(id))).toEqual(ids);
});

test('exactly the regions of the upstream’s table are known, and one of them, or a base URL, is needed', () => {
  const regions = Object.keys(REGIONS);
  for (const region of regions)
    expect(readConfig({ ...APP, TENCENT_REGION: region }).tencent.baseUrl).toBe(`https://${REGIONS[region as Region]}`);
  const names = regions.join(', ');
  expect(problemsOf({ ...APP, TENCENT_REGION: 'atlantis' })).toEqual([`TENCENT_REGION must be one of ${names}`]);
  expect(problemsOf({})).toEqual([
    `TENCENT_REGION is missing (one of ${names}), or TENCENT_BASE_URL in its place`,
    'TENCENT_SDK_APP_ID is missing',
    'TENCENT_SECRET_KEY is missing',
  ]);
});

const meaning = (name: string, meant: string) =>
  expect.stringMatching(`^${name} is no setting of this gateway; is .*\\b${meant}\\b.* meant\\?$`);

test('every name that is a slip away from a setting is refused with the one that is meant, and not its value', () => {
  const names = describeSettings().map(({ name }) => name);
  for (const name of names)
    for (let n = 1; n < name.length; n++) {
      const [before, [letter = '', next = '', ...rest]] = [name.slice(0, n), name.slice(n)];
      const after = next + rest.join('');
      const slips = [before + after, `${before}${letter}Q${after}`, before + next + letter + rest.join('')];
      if (name.length >= 8) slips.push(`${before}Q${after}`);
      for (const slip of slips.filter((each) => !names.includes(each)))
        expect(problemsOf({ ...ENOUGH, [slip]: 'hunter2' })).toEqual([meaning(slip, name)]);
    }
});

test.each([
  ['REDIS_HOST', 'REDIS_URL or REDIS_CLUSTER or REDIS_CA or REDIS_TIMEOUT_MS'],
  ['redis_url', 'REDIS_URL'],
  ['TENCENT_APP', 'TENCENT_SDK_APP_ID'],
  ['WEBHOOK_SECRET', 'WEBHOOK_TOKEN'],
  ['MAX_ALIAS', 'MAX_ALIASES'],
  ['UPSTREAM_TIMEOUT', 'UPSTREAM_TIMEOUT_MS'],
])('the variable %s, which looks like a setting, is refused with the name that is meant', (name, meant) => {
  expect(problemsOf({ ...ENOUGH, [name]: 'hunter2' })).toEqual([meaning(name, meant)]);
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
  const names = [...Object.keys(env), 'JWT_AUDIENCE', 'JWT_ISSUER', 'TENCENT_REGION'];
  expect(problemsOf(env).map((problem) => problem.split(' ')[0])).toEqual(names.sort());
  expect(() => readConfig(env)).toThrow(/^15 settings are wrong:\n {2}/);
  expect(() => readConfig(env)).not.toThrow(/hunter2|opensesame|letmein|mellon|shibboleth|guessed/);
});

test('a sandbox steps in only where no upstream setting has a value', () => {
  for (const env of [{}, { PORT: '0', TENCENT_ADMIN: ' ' }]) expect(namesNoUpstream(env)).toBe(true);
  for (const env of [{ TENCENT_ADMIN: 'root' }, { TENCENT_TYPO: 'x' }, PRODUCTION])
    expect(namesNoUpstream(env)).toBe(false);
});
