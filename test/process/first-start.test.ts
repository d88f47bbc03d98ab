// A first start, with nothing set: viewers, mutations, webhooks and subscriptions can all be tried at once.
import { expect, test } from 'vitest';
import { subscribe } from '../support/event-stream.ts';
import { ask, outcomesOf, run, startEmbedded } from './start-process.ts';

test('the header that the welcome names picks the viewer', async () => {
  const gateway = await startEmbedded();
  const [, header = '', viewer = ''] = await gateway.said(/the header (\S+) names one, such as (\S+)/);
  const query = '{ viewer { id } }';
  expect(await ask(gateway.url, query)).toEqual({ data: { viewer: null } });
  expect(await ask(gateway.url, query, { [header]: viewer })).toEqual({ data: { viewer: { id: viewer } } });
});

test('an AUTH that is set decides alone who is believed', async () => {
  const gateway = await startEmbedded({ AUTH: 'usersig' });
  const [welcome] = await gateway.said(/[\s\S]*Stop with/);
  expect(welcome).not.toContain('x-viewer-id');
  expect(await ask(gateway.url, '{ viewer { id } }', { 'x-viewer-id': 'user_00001' })).toEqual({
    data: { viewer: null },
  });
});

test('a change in the sandbox is told to the gateway, which shows it at once and prints no token', async () => {
  const { url, sandboxUrl, signal, ended } = await startEmbedded();
  const countOf = async () => (await ask(url, '{ user(id: "UserID_001") { fansCount } }')).data;
  expect(await countOf()).toEqual({ user: { fansCount: 2 } });
  const change = { op: 'follow', from: 'hermit', to: 'UserID_001' };
  await fetch(`${sandboxUrl}/sandbox/world`, { method: 'POST', body: JSON.stringify(change) });
  await expect.poll(() => outcomesOf(sandboxUrl)).toEqual(['answered']);
  await expect.poll(countOf).toEqual({ user: { fansCount: 3 } });
  signal('SIGTERM');
  const { stdout, stderr } = await ended;
  expect(stdout).toContain('"msg":"stopped"');
  expect(stdout + stderr).not.toMatch(/Sign=|\b[0-9a-f]{32}\b/);
});

test('a setting that is there but blank keeps what a first start is set to', async () => {
  const gateway = await startEmbedded({ AUTH: ' ', WEBHOOK_TOKEN: '', PROFILE_CUSTOM_FIELDS: '' });
  await gateway.said(/the header x-viewer-id names one/);
  expect(await ask(gateway.url, '{ user(id: "UserID_002") { customFields { key } } }')).toEqual({
    data: { user: { customFields: [{ key: 'Test' }] } },
  });
});

test('with --lively a subscriber hears of a fan within seconds', async () => {
  const { url } = await startEmbedded({}, ['--lively']);
  const events = await subscribe({ url }, 'subscription { followEvents(userId: "UserID_001") { __typename } }');
  const kind = expect.stringMatching(/^Fan(Gained|Lost)$/);
  expect(await events.answer()).toEqual({ data: { followEvents: { __typename: kind } } });
});

const SECRET_KEY = 'a-secret-key-that-is-long-enough';

test.each<[string, Record<string, string>]>([
  ['an upstream that is configured', { TENCENT_SECRET_KEY: SECRET_KEY }],
  ['a misspelt upstream', { TENCENT_REGOIN: 'x' }],
  ['production', { NODE_ENV: 'production' }],
])('--lively with %s ends with 64 and says why in one line', async (_title, env) => {
  const { code, stdout, stderr } = await run(['--lively'], env);
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
  expect(stderr.split('\n')[0]).toMatch(/--lively .*sandbox/);
  expect(stderr).not.toContain(SECRET_KEY);
});
