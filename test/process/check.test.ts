// `check`: looks at everything that the settings lead to, and says in plain words what is wrong.
import { expect, test } from 'vitest';
import { check } from '../../src/check.ts';
import { type Environment, readConfig } from '../../src/config.ts';
import { createGateway } from '../../src/server.ts';
import { makeCertificates } from '../support/certificates.ts';
import { makeKey, openIssuer } from '../support/issuer.ts';
import { operatorOf, startRedis } from '../support/redis.ts';
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

test('check names each thing that it has looked at, and what to set for webhooks', async () => {
  const { settings } = await openSandbox({ people: 3 });
  const issuer = await openIssuer([await makeKey()]);
  const { isRight, text } = await look({
    ...settings,
    ...{ PROFILE_CUSTOM_FIELDS: 'Test,Team', USER_SEARCH: 'on', TRUSTED_DOCUMENTS: 'strict' },
    ...{ REDIS_URL: (await startRedis()).url, WEBHOOK_TOKEN: 'swordfish', WEBHOOK_PATH: '/hooks/follow' },
    ...jwtOf(issuer.url),
  });
  expect(isRight).toBe(true);
  for (const subject of [
    'clock',
    'upstream at 127.0.0.1:\\d+, follow feature, profile field Test, profile field Team, user search: ',
    'Redis: standalone, Redis \\d+\\.\\d+\\.\\d+, which takes writes and scripts',
    "issuer's keys: 1",
    'schema, trusted documents: those of schema/operations',
    'webhooks: at the path below',
  ])
    expect(text).toMatch(new RegExp(`^right  ${subject}`, 'm'));
  expect(text).toMatch(/^ +\/hooks\/follow$/m);
  expect(text).not.toContain('swordfish');
  expect(text).not.toContain(settings.TENCENT_SECRET_KEY);
  expect((await look(settings)).text).toMatch(/^unset {2}webhooks: set WEBHOOK_TOKEN/m);
});

const NOWHERE = 'http://127.0.0.1:1';
const NO_DOCUMENTS = { TRUSTED_DOCUMENTS: 'strict', TRUSTED_DOCUMENTS_PATH: '/nowhere' };
const SEARCH =
  /: user search: the upstream refuses the call with 60020.*paid plug-in .* China and Singapore .* USER_SEARCH=off/s;
test.each<[string, Record<string, string>, RegExp]>([
  ['a wrong secret key', { TENCENT_SECRET_KEY: 'f'.repeat(64) }, /secret key does not belong.*TENCENT_SECRET_KEY/s],
  ['an account that is no admin', { TENCENT_ADMIN: 'user_00001' }, /not an app admin.*TENCENT_ADMIN/s],
  ['a field that the app lacks', { PROFILE_CUSTOM_FIELDS: 'Test,Nope' }, /the app has no profile field Nope.*console/s],
  ['a search that is refused', { USER_SEARCH: 'on' }, SEARCH],
  ['a Redis that is not there', { REDIS_URL: 'redis://127.0.0.1:1' }, /Redis: REDIS_URL leads to a host where/],
  ['a cluster that is not', { REDIS_URL: 'redis://127.0.0.1:1,redis://127.0.0.1:2' }, /REDIS_URL leads to a host that/],
  ['a host of keys that is dead', jwtOf(`${NOWHERE}/keys`), /JWT_JWKS_URL leads to nothing.*jwks_uri/s],
  ['documents that are none', NO_DOCUMENTS, /trusted documents: TRUSTED_DOCUMENTS_PATH: \/nowhere cannot be read/],
  [
    'a name that the schema has',
    { FEDERATION_USER_TYPE: 'FollowEdge' },
    /schema.*: FEDERATION_USER_TYPE must be another/,
  ],
  ['a dead upstream', { TENCENT_BASE_URL: NOWHERE }, /upstream.* cannot be reached.*TENCENT_BASE_URL/s],
])('check explains %s, and what to do', async (_title, change, explanation) => {
  const { settings, faults } = await openSandbox({ people: 3 });
  faults.set({ error: { code: 60020, commands: ['search'] } });
  const env = { ...settings, ...change };
  const { isRight, text } = await look(env);
  expect(isRight).toBe(false);
  expect(text.slice(text.indexOf('WRONG'))).toMatch(explanation);
  expect(text.match(/WRONG/g)).toHaveLength(1);
  expect(text).not.toContain(env.TENCENT_SECRET_KEY);
});

async function startTlsRedis(host: string): Promise<Environment> {
  const [{ caPath, args }, port] = [makeCertificates(host), await freePort()];
  await startRedis({ args: [...args, '--tls-port', String(port)] });
  return { REDIS_URL: `rediss://localhost:${port}`, REDIS_CA: caPath };
}

/** A server to which an operator has given one command. */
async function startCommanded(...args: [string, ...string[]]) {
  const redis = await startRedis();
  await operatorOf(redis.url).call(...args);
  return redis;
}
const asMute = (url: string) => ({ REDIS_URL: url.replace('//', '//mute:opensesame@') });
const MUTE = ['ACL', 'SETUSER', 'mute', 'on', '>opensesame', '~*', 'resetchannels', '+@all'] as const;

/** What REDIS_URL does that is refused. */
const WRONG_REDIS: Record<string, () => Promise<Environment>> = {
  'leads to a replica that can only be read: name the primary': async () => ({
    REDIS_URL: (await startCommanded('REPLICAOF', '127.0.0.1', `${(await startRedis()).port}`)).url,
  }),
  'leads to a Sentinel: name all of them and the primary, as redis+sentinel:': async () => ({
    REDIS_URL: `redis://${await startSentinel()}`,
  }),
  'leads to Sentinels that watch no primary of that name': async () => ({
    REDIS_URL: `redis+sentinel://${await startSentinel()}/cache`,
  }),
  'leads to a cluster of which no node serves': async () => ({
    REDIS_URL: (await startRedis({ args: ['--cluster-enabled', 'yes'] })).url,
  }),
  'is no cluster: name one address, without REDIS_CLUSTER': async () => ({
    REDIS_URL: (await startRedis()).url,
    REDIS_CLUSTER: 'on',
  }),
  'names a user who may not do what is needed': async () => asMute((await startCommanded(...MUTE)).url),
  'names a user who may not do what is needed: deploy/README.md has': async () =>
    asMute((await startCommanded('ACL', 'SETUSER', 'mute', 'on', '>opensesame', '~*', '&*', '+@all', '-@stream')).url),
  'leads to a server that lacks a command which is needed': async () => ({
    REDIS_URL: (await startRedis({ args: ['--rename-command', 'PUBLISH', ''] })).url,
  }),
  'leads to a server whose certificate names another host': () => startTlsRedis('elsewhere.example'),
  'leads to a server whose certificate is not trusted: name its authority by REDIS_CA': async () => ({
    ...(await startTlsRedis('localhost')),
    REDIS_CA: '',
  }),
};
test('check and a start refuse what REDIS_URL must not lead to, and say why', async () => {
  const { settings } = await openSandbox({ people: 3 });
  const refusals = Object.entries(WRONG_REDIS).map(async ([refusal, startServer]) => {
    const env = { ...settings, ...(await startServer()) };
    const told = `REDIS_URL ${refusal}`;
    const [looked] = await Promise.all([
      look(env),
      expect(createGateway(readConfig(env)), refusal).rejects.toThrow(told),
    ]);
    expect(looked).toEqual({ isRight: false, text: expect.stringContaining(told) });
  });
  await Promise.all(refusals);
});

test('the process prints what check finds, and ends with 0, with 1, or with 78 where settings are missing; a start that Redis refuses ends with 78', async () => {
  const { settings } = await openSandbox({ people: 3 });
  const ends = [settings, { ...settings, TENCENT_ADMIN: 'user_00001' }, {}].map((env) => run(['check'], env));
  ends.push(run([], { ...settings, PORT: '0', REDIS_URL: 'redis://127.0.0.1:1' }));
  expect(await Promise.all(ends)).toMatchObject([
    { code: 0, stdout: expect.stringMatching(/^right {2}upstream/m), stderr: '' },
    { code: 1, stdout: expect.stringMatching(/^WRONG {2}upstream/m), stderr: '' },
    { code: 78, stderr: expect.stringMatching(/TENCENT_SECRET_KEY is missing/) },
    { code: 78, stdout: '', stderr: expect.stringMatching(/REDIS_URL leads to a host where/) },
  ]);
});
