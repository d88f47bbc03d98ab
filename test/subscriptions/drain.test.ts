// The drain: subscriptions end in a way by which clients come back elsewhere, and no client holds up the end.
import { expect, test } from 'vitest';
import { head, openSocket as openRawSocket, requestLines } from '../http/requests.ts';
import { subscribe } from '../support/event-stream.ts';
import { startRedis } from '../support/redis.ts';
import { scrape } from '../telemetry/scrape.ts';
import { FANS, follow, gained, openPeople } from './people.ts';
import { HANDSHAKE, openReadySocket, openSocket } from './sockets.ts';

test('a stream breaks off without "complete", so that its client comes back', async () => {
  const gateway = await openPeople();
  const stream = await subscribe(gateway, FANS);
  await follow(gateway, 'anna');
  expect(await stream.answer()).toEqual(gained('anna'));
  await gateway.instance.close();
  await expect(stream.rest()).rejects.toThrow('terminated');
  expect(await requestLines(gateway, 2)).toContainEqual(expect.objectContaining({ stream: true, aborted: true }));
});

test('a WebSocket is closed with 1001, and none of its subscriptions is completed', async () => {
  const gateway = await openPeople();
  const idle = await openReadySocket(gateway);
  const { subscribe: begin, messages, closed } = await openReadySocket(gateway);
  for (const id of ['1', '2', '3']) begin(id, FANS);
  await expect.poll(async () => (await scrape(gateway))['open_subscriptions{transport="websocket"}']).toBe(3);
  await gateway.instance.close();
  expect(await closed).toMatchObject({ code: 1001 });
  expect(await idle.closed).toMatchObject({ code: 1001 });
  expect(messages.slice(1)).toEqual([]);
});

test('an operation that runs on a WebSocket is answered before it is closed', async () => {
  const gateway = await openPeople();
  const { subscribe: begin, messages, closed } = await openReadySocket(gateway);
  gateway.sandbox.faults.set({ latency: { ms: 200, commands: ['portrait_get'] } });
  begin('1', '{ user(id: "anna") { id nick } }');
  await expect.poll(() => gateway.sandbox.calls.summary().portrait_get?.received).toBe(1);
  const closing = gateway.instance.close();
  expect(await closed).toMatchObject({ code: 1001 });
  await closing;
  expect(messages.slice(1)).toEqual([
    { id: '1', type: 'next', payload: { data: { user: { id: 'anna', nick: null } } } },
    { id: '1', type: 'complete' },
  ]);
});

test('a subscription that is still waiting for the rate limit does not hold up the end', async () => {
  const redis = await startRedis();
  const env = { REDIS_URL: redis.url, REDIS_TIMEOUT_MS: '5000', RATE_LIMIT_PER_MINUTE: '100' };
  const gateway = await openPeople(env);
  const { subscribe: begin, say, told, closed } = await openReadySocket(gateway);
  redis.pause();
  begin('1', FANS);
  say({ type: 'ping' });
  await told('pong');
  const closing = gateway.instance.close();
  redis.resume();
  expect(await closed).toMatchObject({ code: 1001 });
  await closing;
});

test('while load balancers turn away, events are still told, and new WebSockets are told to connect again', async () => {
  const gateway = await openPeople({ SHUTDOWN_DRAIN_MS: '5000' });
  const stream = await subscribe(gateway, FANS);
  const open = await openReadySocket(gateway);
  const closing = gateway.instance.close();
  expect(await (await openSocket(gateway)).closed).toMatchObject({ code: 1001 });
  await follow(gateway, 'anna');
  expect(await stream.answer()).toEqual(gained('anna'));
  open.subscribe('1', '{ viewer { id } }');
  await open.told('complete', '1');
  gateway.clock.advance(5000);
  await expect(stream.rest()).rejects.toThrow('terminated');
  expect(await open.closed).toMatchObject({ code: 1001 });
  gateway.clock.advance(5000);
  await closing;
});

test('a stream that begins when the others have broken off does so too', async () => {
  const gateway = await openPeople({ SHUTDOWN_DRAIN_MS: '5000' });
  const { write, until, closed } = openRawSocket(gateway);
  await write('GET /health/ready HTTP/1.1\r\nHost: gateway\r\n\r\n');
  await until(/ready/);
  const stream = await subscribe(gateway, FANS);
  const closing = gateway.instance.close();
  gateway.clock.advance(5000);
  await expect(stream.rest()).rejects.toThrow('terminated');
  const body = JSON.stringify({ query: FANS });
  await write(`${head(`Accept: text/event-stream\r\nContent-Length: ${body.length}`)}${body}`);
  await closed;
  gateway.clock.advance(5000);
  await closing;
});

test('a client that does not answer the close does not hold up the end', { timeout: 20_000 }, async () => {
  const gateway = await openPeople();
  const { write, until, closed } = openRawSocket(gateway);
  await write(HANDSHAKE);
  expect(await until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 101 /);
  await gateway.instance.close();
  await closed;
});

test('destroying the gateway cuts off streams and WebSockets at once', async () => {
  const gateway = await openPeople();
  const stream = await subscribe(gateway, FANS);
  const { closed } = await openReadySocket(gateway);
  gateway.instance.destroy();
  await stream.rest().catch(() => {});
  await closed;
});
