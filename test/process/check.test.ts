// `check`: looks at everything that the settings lead to, and says in plain words what is wrong.
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { check } from '../../src/check.ts';
import type { Environment } from '../../src/config.ts';
import { createSandbox, SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { makeCertificates } from '../support/certificates.ts';
import { makeKey, openIssuer } from '../support/issuer.ts';
import { startRedis } from '../support/redis.ts';
import { freePort } from '../support/redis-process.ts';
import { startSentinel } from '../support/sentinel.ts';
import { run as runProcess, startSandbox as startSandboxProcess } from './start-process.ts';

/** The command without its process, which is the same for all that it finds. */
async function run(_args: string[], env: Environment = {}) {
  let stdout = '';
  const isRight = await check(env, (text) => {
    stdout += text;
  });
  return { code: isRight ? 0 : 1, stdout, stderr: '' };
}

async function startSandbox() {
  const sandbox = createSandbox({ people: 3 });
  const { url: TENCENT_BASE_URL } = await sandbox.listen();
  onTestFinished(() => sandbox.close());
  const { sdkAppId, secretKey, admin } = SANDBOX_APP;
  const app = { TENCENT_SDK_APP_ID: String(sdkAppId), TENCENT_SECRET_KEY: secretKey, TENCENT_ADMIN: admin };
  return { ...sandbox, settings: { ...app, TENCENT_BASE_URL } };
}

const WEBHOOK_TOKEN = 'swordfish';
const jwtOf = (JWT_JWKS_URL: string) => ({ AUTH: 'jwt', JWT_JWKS_URL, JWT_ISSUER: 'sso', JWT_AUDIENCE: 'gateway' });
const webhookPathIn = (stdout: string) => /^ +(\/\S+)$/m.exec(stdout)?.[1];

test('check tells why user search is refused, and what to do', async () => {
  const { settings, faults } = await startSandbox();
  const env = { ...settings, USER_SEARCH: 'on' };
  expect((await run(['check'], env)).stdout).toMatch(/^right {2}upstream at \S+, follow feature, user search: /m);
  faults.set({ searchOff: true });
  const { code, stdout } = await run(['check'], env);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^WRONG {2}upstream .*: user search: the upstream refuses the call with 60020/m);
  expect(stdout).toMatch(/paid plug-in .* China and Singapore .* USER_SEARCH=off/);
});

test('check names each thing that it has looked at, and what to set for webhooks', async () => {
  const { settings } = await startSandbox();
  const redis = await startRedis();
  const issuer = await openIssuer([await makeKey()]);
  const env = {
    ...settings,
    PROFILE_CUSTOM_FIELDS: 'Test,Team',
    REDIS_URL: redis.url,
    WEBHOOK_TOKEN,
    TRUSTED_DOCUMENTS: 'strict',
    ...jwtOf(issuer.url),
  };
  const { code, stdout, stderr } = await run(['check'], { ...env, WEBHOOK_PATH: '/hooks/follow' });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  for (const subject of [
    'clock',
    'upstream at 127.0.0.1:\\d+, follow feature, profile field Test, profile field Team: ',
    'Redis: standalone, Redis \\d+\\.\\d+\\.\\d+, which takes writes and scripts',
    "issuer's keys: 1",
    'trusted documents: those of schema/operations',
    'webhooks: at the path below',
  ])
    expect(stdout).toMatch(new RegExp(`^right  ${subject}`, 'm'));
  expect(webhookPathIn(stdout)).toBe('/hooks/follow');
  expect(stdout).not.toContain(WEBHOOK_TOKEN);
  expect(stdout).not.toContain(settings.TENCENT_SECRET_KEY);
});

test('without a token of webhooks check says what to set', async () => {
  const { settings } = await startSandbox();
  expect((await run(['check'], settings)).stdout).toMatch(/^unset {2}webhooks: set WEBHOOK_TOKEN/m);
});

test.each<[string, Record<string, string>, RegExp, RegExp]>([
  ['a wrong secret key', { TENCENT_SECRET_KEY: 'f'.repeat(64) }, /secret key does not belong/, /TENCENT_SECRET_KEY/],
  ['an account that is no admin', { TENCENT_ADMIN: 'user_00001' }, /not an app admin/, /TENCENT_ADMIN/],
  [
    'a field that the app lacks',
    { PROFILE_CUSTOM_FIELDS: 'Test,Nope' },
    /the app has no profile field Nope/,
    /console/,
  ],
  ['a Redis that is not there', { REDIS_URL: 'redis://127.0.0.1:1' }, /Redis: REDIS_URL leads to a host where/, /./],
  [
    'a cluster that is not there',
    { REDIS_URL: 'redis://127.0.0.1:1,redis://127.0.0.1:2' },
    /REDIS_URL leads to a host that/,
    /./,
  ],
  ['a host of keys that is dead', jwtOf('http://127.0.0.1:1/keys'), /JWT_JWKS_URL leads to nothing/, /jwks_uri/],
  [
    'documents that are none',
    { TRUSTED_DOCUMENTS: 'strict', TRUSTED_DOCUMENTS_PATH: '/nowhere' },
    /trusted documents: TRUSTED_DOCUMENTS_PATH: \/nowhere cannot be read/,
    /./,
  ],
])('check explains %s and ends with 1', async (_title, change, explanation, remedy) => {
  const { settings } = await startSandbox();
  const { code, stdout, stderr } = await run(['check'], { ...settings, ...change });
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  const wrong = stdout.slice(stdout.indexOf('WRONG'));
  expect(wrong).toMatch(explanation);
  expect(wrong).toMatch(remedy);
  expect(stdout.match(/WRONG/g)).toHaveLength(1);
  expect(stdout).not.toContain({ ...settings, ...change }.TENCENT_SECRET_KEY);
});

test('check explains a host where nothing listens and ends with 1', async () => {
  const sandbox = await startSandbox();
  await sandbox.close();
  const { code, stdout } = await run(['check'], sandbox.settings);
  expect(code).toBe(1);
  expect(stdout).toMatch(/cannot be reached/);
  expect(stdout).toMatch(/TENCENT_BASE_URL/);
});

async function startTlsRedis(host: string): Promise<Environment> {
  const [{ caPath, args }, port] = [makeCertificates(host), await freePort()];
  await startRedis({ args: [...args, '--tls-port', String(port)] });
  return { REDIS_URL: `rediss://localhost:${port}`, REDIS_CA: caPath };
}

/** Servers of Redis that answer, and are of no use by themselves. */
const KINDS: Record<string, [start: () => Promise<Environment>, remedy: RegExp]> = {
  'a replica that can only be read': [
    async () => {
      const [primary, replica] = [await startRedis(), await startRedis()];
      const operator = new Redis(replica.url);
      onTestFinished(() => operator.disconnect());
      await operator.replicaof('127.0.0.1', new URL(primary.url).port);
      return { REDIS_URL: replica.url };
    },
    /REDIS_URL leads to a replica that can only be read: name the primary/,
  ],
  'a Sentinel': [
    async () => ({ REDIS_URL: `redis://${await startSentinel()}` }),
    /REDIS_URL leads to a Sentinel: name the Sentinels and their primary, as redis\+sentinel:/,
  ],
  'a Sentinel that watches something else': [
    async () => ({ REDIS_URL: `redis+sentinel://${await startSentinel()}/cache` }),
    /REDIS_URL leads to Sentinels that watch no primary of that name/,
  ],
  'a node that belongs to no cluster yet': [
    async () => ({ REDIS_URL: (await startRedis({ args: ['--cluster-enabled', 'yes'] })).url }),
    /REDIS_URL leads to a cluster of which no node serves/,
  ],
  'a server that is said to be a cluster': [
    async () => ({ REDIS_URL: (await startRedis()).url, REDIS_CLUSTER: 'on' }),
    /REDIS_URL leads to no cluster: name one address, without REDIS_CLUSTER/,
  ],
  'a user who may not publish': [
    async () => {
      const { port, url } = await startRedis();
      const operator = new Redis(url);
      onTestFinished(() => operator.disconnect());
      await operator.call('ACL', 'SETUSER', 'mute', 'on', '>opensesame', '~*', 'resetchannels', '+@all');
      return { REDIS_URL: `redis://mute:opensesame@127.0.0.1:${port}` };
    },
    /REDIS_URL names a user who may not do what is needed/,
  ],
  'a certificate of another host': [
    () => startTlsRedis('elsewhere.example'),
    /REDIS_URL leads to a server whose certificate names another host/,
  ],
  'a certificate of an unknown authority': [
    async () => ({ ...(await startTlsRedis('localhost')), REDIS_CA: '' }),
    /REDIS_URL leads to a server whose certificate is not trusted: name its authority by REDIS_CA/,
  ],
};

test.each(Object.keys(KINDS))('%s is refused by check and at the start', async (kind) => {
  const { settings } = await startSandbox();
  const [startServer, remedy] = KINDS[kind] as (typeof KINDS)[string];
  const env = { ...settings, ...(await startServer()), PORT: '0' };
  const checked = await run(['check'], env);
  expect([checked.code, checked.stdout]).toEqual([1, expect.stringMatching(remedy)]);
  const served = await runProcess([], env);
  expect([served.code, served.stderr]).toEqual([78, expect.stringMatching(remedy)]);
});

test('the process prints what check finds, and ends with 0, with 1, or with 78 where settings are missing', async () => {
  const { settings } = await startSandboxProcess();
  const [right, wrong, unset] = await Promise.all(
    [settings, { ...settings, TENCENT_ADMIN: 'user_00001' }, {}].map((env) => runProcess(['check'], env)),
  );
  expect([right?.code, right?.stdout]).toEqual([0, expect.stringMatching(/^right {2}upstream/m)]);
  expect([wrong?.code, wrong?.stdout]).toEqual([1, expect.stringMatching(/^WRONG {2}upstream/m)]);
  expect([unset?.code, unset?.stderr]).toEqual([78, expect.stringMatching(/TENCENT_SECRET_KEY is missing/)]);
});
