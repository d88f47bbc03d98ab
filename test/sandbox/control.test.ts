import { expect, test } from 'vitest';
import { firstPage, startSandbox } from './start-sandbox.ts';

async function controlled() {
  const sandbox = await startSandbox();
  const control = async (method: string, path: string, json?: unknown) => {
    const body = json === undefined ? undefined : JSON.stringify(json);
    const response = await fetch(sandbox.url + path, { method, body });
    return { status: response.status, json: await response.json() };
  };
  return { ...sandbox, control };
}

test('the overview names every route, fault and operation, and not the secret key', async () => {
  const { control } = await controlled();
  const { status, json } = await control('GET', '/sandbox');
  expect(status).toBe(200);
  expect(json).toMatchObject({
    sdkAppId: 1400000000,
    admin: 'administrator',
    routes: expect.arrayContaining(['PUT /sandbox/faults']),
    faults: {
      latency: { required: ['ms'] },
      stuckCursor: { properties: { commands: { items: { enum: ['follow_get'] } } } },
    },
    changes: expect.arrayContaining([expect.objectContaining({ required: ['op', 'from', 'to'] })]),
  });
  expect(JSON.stringify(json)).not.toContain('secretKey');
  expect((await control('GET', '/sandbox/')).json).toEqual(json);
});

test('calls can be read and reset, and control calls are not among them', async () => {
  const { control, call } = await controlled();
  await call('follow_get', firstPage('administrator'));
  const { json } = await control('GET', '/sandbox/calls');
  expect(json).toMatchObject({
    commands: { follow_get: { received: 1, outcomes: { 0: 1 } } },
    recent: [{ command: 'follow_get', identifier: 'administrator', body: firstPage('administrator'), outcome: 0 }],
  });
  expect(await control('POST', '/sandbox/calls/reset')).toEqual({ status: 200, json: { ok: true } });
  expect((await control('GET', '/sandbox/calls')).json).toEqual({ commands: {}, recent: [] });
});

test('faults can be armed, looked at and reset', async () => {
  const { control, call } = await controlled();
  await control('PUT', '/sandbox/faults', { error: { code: 60007, times: 2 } });
  expect((await call('follow_get', firstPage('administrator'))).ErrorCode).toBe(60007);
  expect((await control('GET', '/sandbox/faults')).json).toEqual({
    error: [{ rule: { code: 60007, times: 2 }, seen: 1, fired: 1 }],
  });
  await control('DELETE', '/sandbox/faults');
  expect((await call('follow_get', firstPage('administrator'))).ErrorCode).toBe(0);
});

test('the world can be changed', async () => {
  const { control, world } = await controlled();
  const change = (json: unknown) => control('POST', '/sandbox/world', json);
  await change({ op: 'import', id: 'ana', tags: { Tag_Profile_IM_Nick: 'Ana' } });
  await change({ op: 'import', id: 'bo' });
  expect((await change({ op: 'follow', from: 'ana', to: 'bo', at: 5 })).json).toEqual({ changed: true });
  expect(world.list('bo', 'fans')).toEqual([{ id: 'ana', time: 5 }]);
  expect((await change({ op: 'unfollow', from: 'ana', to: 'bo' })).json).toEqual({ changed: true });
  expect(world.counts('bo').fans).toBe(0);
  await change({ op: 'setProfile', id: 'ana', tags: { Tag_Profile_IM_Level: 4 } });
  expect(world.profile('ana')?.sequence).toBe(2);
  await change({ op: 'addFans', id: 'bo', count: 3 });
  expect(world.counts('bo').fans).toBe(3);
  await change({ op: 'remove', id: 'ana' });
  expect(world.has('ana')).toBe(false);
});

test.each([
  ['PUT', '/sandbox/faults', { thunder: true }, /Unrecognized key: "thunder"/],
  ['PUT', '/sandbox/webhook', { url: 'http://example.com/' }, /not this machine/],
  ['PUT', '/sandbox/webhook', {}, /A webhook: .* at url/s],
  ['POST', '/sandbox/world', { op: 'explode' }, /Expected 'follow' \\|.* at op/s],
  ['POST', '/sandbox/world', { op: 'follow', from: 'ana' }, /expected string.* at to/s],
  ['POST', '/sandbox/world', { op: 'follow', from: 'administrator', to: 'nobody' }, /No account "nobody"/],
  ['POST', '/sandbox/world', { op: 'import', id: 'ana', tags: ['x', {}] }, /at tags/],
  ['POST', '/sandbox/world', undefined, /A change: .*expected object/],
])('%s %s %j is refused in clear words', async (method, path, json, message) => {
  const { control } = await controlled();
  expect(await control(method, path, json)).toEqual({ status: 400, json: { error: expect.stringMatching(message) } });
});

test('an unknown route is a 404 that names the known ones, and broken JSON a 400', async () => {
  const { control, url } = await controlled();
  expect(await control('GET', '/sandbox/weather')).toMatchObject({
    status: 404,
    json: { error: expect.stringContaining('GET /sandbox/calls') },
  });
  expect((await fetch(`${url}/sandbox/world`, { method: 'POST', body: '{' })).status).toBe(400);
});
