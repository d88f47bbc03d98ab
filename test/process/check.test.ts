// `check`: looks at everything that the settings lead to, and says in plain words what is wrong.
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import { armFaults, run, startSandbox } from './start-process.ts';

const WEBHOOK_TOKEN = 'swordfish';
const webhookPathIn = (stdout: string) => /^ +(\/\S+)$/m.exec(stdout)?.[1];

test('check names each thing that it has looked at, and what to set for webhooks', async () => {
  const { settings } = await startSandbox();
  const redis = await startRedis();
  const env = { ...settings, PROFILE_CUSTOM_FIELDS: 'Test,Team', REDIS_URL: redis.url, WEBHOOK_TOKEN };
  const { code, stdout, stderr } = await run(['check'], { ...env, WEBHOOK_PATH: '/hooks/follow' });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  for (const subject of ['clock', 'upstream, profile field Test, profile field Team: ', 'Redis'])
    expect(stdout).toMatch(new RegExp(`^right  ${subject}`, 'm'));
  expect(webhookPathIn(stdout)).toBe('/hooks/follow');
  expect(stdout).not.toContain(WEBHOOK_TOKEN);
  expect(stdout).not.toContain(settings.TENCENT_SECRET_KEY);
});

test('a derived webhook path is long, the same each time, and another for another app', async () => {
  const { settings } = await startSandbox();
  const other = { ...settings, TENCENT_SECRET_KEY: 'another-secret-key-as-long' };
  const [path, again, another] = await Promise.all(
    [settings, settings, other].map(async (app) =>
      webhookPathIn((await run(['check'], { ...app, WEBHOOK_TOKEN })).stdout),
    ),
  );
  expect(path?.length).toBeGreaterThan(20);
  expect(again).toBe(path);
  expect(another).not.toBe(path);
});

test('without a token of webhooks check says what to set', async () => {
  const { settings } = await startSandbox();
  expect((await run(['check'], settings)).stdout).toMatch(/^unset {2}webhooks: set WEBHOOK_TOKEN/m);
});

test.each<[string, Record<string, string>, RegExp, RegExp]>([
  ['a wrong secret key', { TENCENT_SECRET_KEY: 'f'.repeat(64) }, /secret key does not belong/, /TENCENT_SECRET_KEY/],
  ['a wrong app', { TENCENT_SDK_APP_ID: '1400000001' }, /SDKAppID/, /TENCENT_SDK_APP_ID/],
  ['an account that is no admin', { TENCENT_ADMIN: 'user_00001' }, /not an app admin/, /TENCENT_ADMIN/],
  [
    'a field that the app lacks',
    { PROFILE_CUSTOM_FIELDS: 'Test,Nope' },
    /the app has no profile field Nope/,
    /console/,
  ],
  ['a Redis that is not there', { REDIS_URL: 'redis://127.0.0.1:1' }, /Redis: REDIS_URL leads to a host where/, /./],
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

test.each([
  ['an app without the follow feature', { featureOff: true }, /no follow feature/, /Follow \/ Fan/],
  ['the host of another region', { error: { code: 60026 } }, /another data centre/, /TENCENT_REGION/],
])('check explains %s and ends with 1', async (_title, faults, explanation, remedy) => {
  const { settings, url } = await startSandbox();
  await armFaults(url, faults);
  const { code, stdout } = await run(['check'], settings);
  expect(code).toBe(1);
  expect(stdout).toMatch(explanation);
  expect(stdout).toMatch(remedy);
});

test('check explains a host where nothing listens and ends with 1', async () => {
  const sandbox = await startSandbox();
  sandbox.signal('SIGTERM');
  expect(await sandbox.ended).toMatchObject({ code: 0 });
  const { code, stdout } = await run(['check'], sandbox.settings);
  expect(code).toBe(1);
  expect(stdout).toMatch(/cannot be reached/);
  expect(stdout).toMatch(/TENCENT_BASE_URL/);
});

test('a Redis that can only be read is refused by check and at the start', async () => {
  const { settings } = await startSandbox();
  const [primary, replica] = [await startRedis(), await startRedis()];
  const operator = new Redis(replica.url);
  onTestFinished(() => operator.disconnect());
  await operator.replicaof('127.0.0.1', new URL(primary.url).port);
  const env = { ...settings, REDIS_URL: replica.url, PORT: '0' };
  const remedy = /REDIS_URL leads to a replica that can only be read: name the primary/;
  const checked = await run(['check'], env);
  expect([checked.code, checked.stdout]).toEqual([1, expect.stringMatching(remedy)]);
  const served = await run([], env);
  expect([served.code, served.stderr]).toEqual([78, expect.stringMatching(remedy)]);
});

test('check asks for settings that are missing instead of checking a sandbox', async () => {
  const { code, stderr } = await run(['check']);
  expect(code).toBe(78);
  expect(stderr).toMatch(/TENCENT_SECRET_KEY is missing/);
});
