// A first start, with nothing set: viewers, mutations, webhooks and subscriptions can all be tried at once.
import { expect, test } from 'vitest';
import { subscribe } from '../support/event-stream.ts';
import { ask, outcomesOf, startEmbedded } from './start-process.ts';

test.each<Record<string, string>>([{}, { AUTH: ' ', WEBHOOK_TOKEN: '', PROFILE_CUSTOM_FIELDS: '' }])(
  'with nothing set but %j the header that the welcome names picks the viewer, and a custom field shows',
  async (env) => {
    const gateway = await startEmbedded(env);
    const [, header = '', id = ''] = await gateway.said(/the header (\S+) names one, such as (\S+)/);
    const user = { customFields: [{ key: 'Test' }] };
    const query = '{ viewer { id } user(id: "UserID_002") { customFields { key } } }';
    expect(await ask(gateway.url, query)).toEqual({ data: { viewer: null, user } });
    expect(await ask(gateway.url, query, { [header]: id })).toEqual({ data: { viewer: { id }, user } });
  },
);

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

test('with --lively a subscriber hears of a fan within seconds', async () => {
  const { url } = await startEmbedded({}, ['--lively']);
  const events = await subscribe({ url }, 'subscription { followEvents(userId: "UserID_001") { __typename } }');
  const kind = expect.stringMatching(/^Fan(Gained|Lost)$/);
  expect(await events.answer()).toEqual({ data: { followEvents: { __typename: kind } } });
});
