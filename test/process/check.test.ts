// `check`: looks at everything that the settings lead to, and says in plain words what is wrong.
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { check } from '../../src/check.ts';
import type { Environment } from '../../src/config.ts';
import { makeCertificates } from '../support/certificates.ts';
import { makeKey, openIssuer } from '../support/issuer.ts';
import { startRedis } from '../support/redis.ts';
import { freePort } from '../support/redis-process.ts';
import { openSandbox } from '../support/sandbox.ts';
import { startSentinel } from '../support/sentinel.ts';
import { run } from './start-process.ts';

/** The command without its process: whether all is right, and what it prints. */
async function look(env: Environment) {
  let text = '';
  const isRight = await check(env, (more) => {
    text += more;
  });
  return { isRight, text };
}

const jwtOf = (JWT_JWKS_URL: string) => ({ AUTH: 'jwt', JWT_JWKS_URL, JWT_ISSUER: 'sso', JWT_AUDIENCE: 'gateway' });

test('check tells why user search is refused, and what to do', async () => {
  const { settings, faults } = await openSandbox({ people: 3 });
  const env = { ...settings, USER_SEARCH: 'on' };
  expect((await look(env)).text).toMatch(/^right {2}upstream at \S+, follow feature, user search: /m);
  faults.set({ searchOff: true });
  const { isRight, text } = await look(env);
  expect(isRight).toBe(false);
  expect(text).toMatch(/^WRONG {2}upstream .*: user search: the upstream refuses the call with 60020/m);
  expect(text).toMatch(/paid plug-in .* China and Singapore .* USER_SEARCH=off/);
});

test('check names each thing that it has looked at, and what to set for webhooks', async () => {
  const { settings } = await openSandbox({ people: 3 });
  const issuer = await openIssuer([await makeKey()]);
  const { isRight, text } = await look({
    ...settings,
    PROFILE_CUSTOM_FIELDS: 'Test,Team',
    REDIS_URL: (await startRedis()).url,
    WEBHOOK_TOKEN: 'swordfish',
    WEBHOOK_PATH: '/hooks/follow',
    TRUSTED_DOCUMENTS: 'strict',
    ...jwtOf(issuer.url),
  });
  expect(isRight).toBe(true);
  for (const subject of [
    'clock',
    'upstream at 127.0.0.1:\\d+, follow feature, profile field Test, profile field Team: ',
    'Redis: standalone, Redis \\d+\\.\\d+\\.\\d+, which takes writes and scripts',
    "issuer's keys: 1",
    'trusted documents: those of schema/operations',
    'webhooks: at the path below',
  ])
    expect(text).toMatch(new RegExp(`^right  ${subject}`, 'm'));
  expect(text).toMatch(/^ +\/hooks\/follow$/m);
  expect(text).not.toContain('swordfish');
  expect(text).not.toContain(settings.TENCENT_SECRET_KEY);
});

test('without a token of webhooks check says what to set', async () => {
  const { settings } = await openSandbox({ people: 3 });
  expect((await look(settings)).text).toMatch(/^unset {2}webhooks: set WEBHOOK_TOKEN/m);
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
  [
    'a host where nothing listens',
    { TENCENT_BASE_URL: 'http://127.0.0.1:1' },
    /upstream.* cannot be reached/,
    /TENCENT_BASE_URL/,
  ],
])('check explains %s', async (_title, change, explanation, remedy) => {
  const { settings } = await openSandbox({ people: 3 });
  const env = { ...settings, ...change };
  const { isRight, text } = await look(env);
  expect(isRight).toBe(false);
  const wrong = text.slice(text.indexOf('WRONG'));
  expect(wrong).toMatch(explanation);
  expect(wrong).toMatch(remedy);
  expect(text.match(/WRONG/g)).toHaveLength(1);
  expect(text).not.toContain(env.TENCENT_SECRET_KEY);
});

async function startTlsRedis(host: string): Promise<Environment> {
  const [{ caPath, args }, port] = [makeCertificates(host), await freePort()];
  await startRedis({ args: [...args, '--tls-port', String(port)] });
  return { REDIS_URL: `rediss://localhost:${port}`, REDIS_CA: caPath };
}

/** One command of an operator's to a server. */
async function command(url: string, ...args: [string, ...string[]]): Promise<void> {
  const operator = new Redis(url);
  await operator.call(...args).finally(() => operator.disconnect());
}

test.each<[string, () => Promise<Environment>, RegExp]>([
  [
    'a replica that can only be read',
    async () => {
      const [primary, replica] = [await startRedis(), await startRedis()];
      await command(replica.url, 'REPLICAOF', '127.0.0.1', String(primary.port));
      return { REDIS_URL: replica.url };
    },
    /REDIS_URL leads to a replica that can only be read: name the primary/,
  ],
  [
    'a Sentinel',
    async () => ({ REDIS_URL: `redis://${await startSentinel()}` }),
    /REDIS_URL leads to a Sentinel: name the Sentinels and their primary, as redis\+sentinel:/,
  ],
  [
    'a Sentinel that watches something else',
    async () => ({ REDIS_URL: `redis+sentinel://${await startSentinel()}/cache` }),
    /REDIS_URL leads to Sentinels that watch no primary of that name/,
  ],
  [
    'a node that belongs to no cluster yet',
    async () => ({ REDIS_URL: (await startRedis({ args: ['--cluster-enabled', 'yes'] })).url }),
    /REDIS_URL leads to a cluster of which no node serves/,
  ],
  [
    'a server that is said to be a cluster',
    async () => ({ REDIS_URL: (await startRedis()).url, REDIS_CLUSTER: 'on' }),
    /REDIS_URL leads to no cluster: name one address, without REDIS_CLUSTER/,
  ],
  [
    'a user who may not publish',
    async () => {
      const { port, url } = await startRedis();
      await command(url, 'ACL', 'SETUSER', 'mute', 'on', '>opensesame', '~*', 'resetchannels', '+@all');
      return { REDIS_URL: `redis://mute:opensesame@127.0.0.1:${port}` };
    },
    /REDIS_URL names a user who may not do what is needed/,
  ],
  [
    'a user who may not use streams',
    async () => {
      const { port, url } = await startRedis();
      await command(url, 'ACL', 'SETUSER', 'dry', 'on', '>opensesame', '~*', '&*', '+@all', '-@stream');
      return { REDIS_URL: `redis://dry:opensesame@127.0.0.1:${port}` };
    },
    /REDIS_URL names a user who may not do what is needed/,
  ],
  [
    'a server that has commands renamed',
    async () => ({ REDIS_URL: (await startRedis({ args: ['--rename-command', 'PUBLISH', ''] })).url }),
    /REDIS_URL leads to a server that lacks a command which is needed/,
  ],
  [
    'a certificate of another host',
    () => startTlsRedis('elsewhere.example'),
    /REDIS_URL leads to a server whose certificate names another host/,
  ],
  [
    'a certificate of an unknown authority',
    async () => ({ ...(await startTlsRedis('localhost')), REDIS_CA: '' }),
    /REDIS_URL leads to a server whose certificate is not trusted: name its authority by REDIS_CA/,
  ],
])('%s is refused by check and at the start', async (_kind, startServer, remedy) => {
  const { settings } = await openSandbox({ people: 3 });
  const env = { ...settings, ...(await startServer()) };
  expect(await look(env)).toEqual({ isRight: false, text: expect.stringMatching(remedy) });
  expect(await run([], { ...env, PORT: '0' })).toMatchObject({ code: 78, stderr: expect.stringMatching(remedy) });
});

test('the process prints what check finds, and ends with 0, with 1, or with 78 where settings are missing', async () => {
  const { settings } = await openSandbox({ people: 3 });
  const ends = await Promise.all(
    [settings, { ...settings, TENCENT_ADMIN: 'user_00001' }, {}].map((env) => run(['check'], env)),
  );
  expect(ends).toMatchObject([
    { code: 0, stdout: expect.stringMatching(/^right {2}upstream/m), stderr: '' },
    { code: 1, stdout: expect.stringMatching(/^WRONG {2}upstream/m), stderr: '' },
    { code: 78, stderr: expect.stringMatching(/TENCENT_SECRET_KEY is missing/) },
  ]);
});
