// What one client may ask in a minute, over one replica and over several; and whose address it counts under: what trusted
// proxies say is believed, what clients say is not.
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import { head, openSocket } from '../http/requests.ts';
import { ask as askBySocket, openClient, openSocket as openWebSocket } from '../subscriptions/sockets.ts';
import { createHastyClock, createRunningClock } from '../support/clock.ts';
import { openGateway, type Replica } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';

const HELLO = '{ __typename }';

const ask = async (gateway: Replica, headers: Record<string, string> = {}): Promise<number> => {
  const response = await gateway.send(HELLO, {}, headers);
  await response.arrayBuffer();
  return response.status;
};

async function askTimes(gateway: Replica, times: number, headers: Record<string, string> = {}): Promise<number[]> {
  const statuses: number[] = [];
  for (let n = 0; n < times; n++) statuses.push(await ask(gateway, headers));
  return statuses;
}

const openLimited = (env: Record<string, string> = {}, clock: Clock = createHastyClock()) =>
  openGateway({ env: { RATE_LIMIT_PER_MINUTE: '3', AUTH: 'development', ...env }, clock });

test('a client that asks too often gets 429 with Retry-After and THROTTLED, and is served again after that time', async () => {
  // The limiter goes by the time of day.
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const gateway = await openLimited();
  expect(await askTimes(gateway, 3)).toEqual([200, 200, 200]);
  const response = await gateway.send(HELLO);
  expect(response.status).toBe(429);
  expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'THROTTLED' } }] });
  const seconds = Number(response.headers.get('retry-after'));
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(60);
  vi.setSystemTime(Date.now() + seconds * 1000);
  expect(await askTimes(gateway, 4)).toEqual([200, 200, 200, 429]);
});

test('a client that asks too often is told before its body has come', async () => {
  const gateway = await openLimited();
  const { write, until } = openSocket(gateway);
  const body = JSON.stringify({ query: HELLO });
  for (let n = 1; n <= 3; n++) {
    await write(head(`Content-Length: ${body.length}`) + body.slice(0, n));
    await write(body.slice(n));
    await until(new RegExp(`(200 OK.*){${n}}`, 's'));
  }
  await write(`${head(`Content-Length: ${body.length}`)}{`);
  expect(await until(/THROTTLED/)).toContain('HTTP/1.1 429');
});

test('viewers are counted each for themselves, wherever they come from, and none by address', async () => {
  const gateway = await openLimited({ TRUST_PROXY: '1' });
  const from = (address: string) => ({ 'x-forwarded-for': address });
  expect(await askTimes(gateway, 4, { 'x-viewer-id': 'anna', ...from('192.0.2.1') })).toEqual([200, 200, 200, 429]);
  expect(await ask(gateway, { 'x-viewer-id': 'anna', ...from('192.0.2.2') })).toBe(429);
  expect(await ask(gateway, { 'x-viewer-id': 'bert', ...from('192.0.2.1') })).toBe(200);
  expect(await askTimes(gateway, 4, from('192.0.2.1'))).toEqual([200, 200, 200, 429]);
  expect(await ask(gateway, from('192.0.2.2'))).toBe(200);
});

test('health is never refused, and without the setting no request is', async () => {
  const gateway = await openLimited({ RATE_LIMIT_PER_MINUTE: '1' });
  expect(await askTimes(gateway, 2)).toEqual([200, 429]);
  for (let n = 0; n < 3; n++) expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(200);
  expect(new Set(await askTimes(await openGateway(), 30))).toEqual(new Set([200]));
});

test('operations over a WebSocket count like any other', async () => {
  const gateway = await openLimited();
  const client = openClient(gateway);
  for (let n = 0; n < 3; n++) expect(await askBySocket(client, HELLO)).toEqual({ data: { __typename: 'Query' } });
  await expect(askBySocket(client, HELLO)).rejects.toMatchObject([{ extensions: { code: 'THROTTLED' } }]);
  expect(await ask(gateway)).toBe(429);
});

test('credentials that are tried over WebSockets count against the address that they come from', async () => {
  const gateway = await openLimited({ AUTH: 'usersig' });
  const codes: number[] = [];
  for (let n = 0; n < 4; n++) {
    const { say, closed } = await openWebSocket(gateway);
    say({ type: 'connection_init', payload: { authorization: 'UserSig nonsense' } });
    codes.push((await closed).code);
  }
  expect(codes).toEqual([4403, 4403, 4403, 1013]);
  expect(await ask(gateway)).toBe(429);
});

test('replicas that share a Redis count together, and with Redis away each counts alone', async () => {
  const redis = await startRedis();
  const gateway = await openLimited({ REDIS_URL: redis.url }, createRunningClock());
  const other = await gateway.openReplica();
  expect(await askTimes(gateway, 3)).toEqual([200, 200, 200]);
  const response = await other.send(HELLO);
  expect(response.status).toBe(429);
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  await redis.kill();
  for (const replica of [gateway, other]) expect(await askTimes(replica, 4)).toEqual([200, 200, 200, 429]);
});

const NOTES = '198.51.100.7, 10.0.0.2';
const NETWORKS = '127.0.0.0/8, 10.0.0.0/8, 2001:db8::/32';

test.each<[string, 200 | 429, trustProxy: string, string, string]>([
  ['one client, where no proxy is trusted', 429, '0', '198.51.100.7', '198.51.100.8'],
  ['one client, where the one who connects is no trusted proxy', 429, '10.0.0.0/8', '198.51.100.7', '198.51.100.8'],
  ['one client who makes up what stands before two proxies’ notes', 429, '2', `6.6.6.6, ${NOTES}`, NOTES],
  ['one client who makes up what stands before what proxies note', 429, NETWORKS, '6.6.6.6, 198.51.100.7', NOTES],
  ['one client whose IPv4 address is written as IPv6', 429, NETWORKS, '::ffff:198.51.100.7', '198.51.100.7'],
  ['one client whose proxy notes ports', 429, NETWORKS, '198.51.100.7:4711', '198.51.100.7:4712'],
  ['one client whose proxy notes what is no address', 429, NETWORKS, 'unknown', 'unknown'],
  ['one client whose proxy notes the zones of addresses', 429, NETWORKS, 'fe80::7%eth0', 'fe80::8%eth0'],
  ['one client whose proxy notes ports of IPv6', 429, NETWORKS, '[2001:dead::7]:4711', '2001:dead::8'],
  ['one client who changes its address within its IPv6 network', 429, '1', '2001:db8:1:2::1', '2001:0db8:1:2:3:4:5:6'],
  ['two clients of neighbouring IPv6 networks', 200, '1', '2001:db8:1:2::1', '2001:db8:1:3::1'],
  ['two clients behind a number of proxies', 200, '2', NOTES, '198.51.100.8, 10.0.0.2'],
  ['two clients behind proxies of known networks', 200, NETWORKS, NOTES, '198.51.100.8, 10.0.0.2'],
])('of %s the second request is answered with %i', async (_title, status, TRUST_PROXY, first, second) => {
  const gateway = await openGateway({ env: { RATE_LIMIT_PER_MINUTE: '1', TRUST_PROXY } });
  expect(await ask(gateway, { 'x-forwarded-for': first })).toBe(200);
  expect(await ask(gateway, { 'x-forwarded-for': second })).toBe(status);
});
