// Two replicas behind haproxy, which asks each whether it is ready: what a rolling release looks like to clients.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createClient as createSse } from 'graphql-sse';
import { expect, onTestFinished, test } from 'vitest';
import { resuming } from '../../schema/client/resuming.ts';
import { openResumingSocket } from '../clients/resuming-socket.ts';
import { directoryOf } from '../documents/asking.ts';
import { startRedis } from '../support/redis.ts';
import { freePort, isOnPath } from '../support/redis-process.ts';
import { openSandbox } from '../support/sandbox.ts';
import { ask, start } from './start-process.ts';

const EVENTS =
  'subscription ($after: String) { followEvents(userId: "star", after: $after) { cursor ... on FanGained { user { id } } } }';
const QUERY_EVERY_MS = 5;
const MAX_RUNNING = 16;
/** Every twentieth query is a mutation, of which subscribers hear. */
const FOLLOW_EVERY = 20;
const FANS = 500;
const SUBSCRIBERS = 4;
const fan = (n: number) => `crowd_${String(n).padStart(6, '0')}`;

const configOf = (port: number, servers: Readonly<Record<string, number>>) => `
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout tunnel 1h
  timeout check 5s
  option redispatch
frontend clients
  bind 127.0.0.1:${port}
  stats enable
  stats uri /stats
  default_backend gateways
backend gateways
  balance roundrobin
  option httpchk GET /health/ready
  default-server check inter 250ms fall 2 rise 1
${Object.entries(servers)
  .map(([name, serverPort]) => `  server ${name} 127.0.0.1:${serverPort}\n`)
  .join('')}`;

test.skipIf(!isOnPath('haproxy'))(
  'of two replicas behind haproxy each is restarted in turn under 200 queries a second: none fails, and subscribers miss and repeat nothing',
  async () => {
    const { settings, world } = await openSandbox({ rateLimits: Number.POSITIVE_INFINITY });
    world.addFans('host', FANS);
    world.importAccount('star');
    const env = {
      ...settings,
      AUTH: 'development',
      SHUTDOWN_DRAIN_MS: '2000',
      REDIS_TIMEOUT_MS: '5000',
      UPSTREAM_RATE: '100000',
      REDIS_URL: (await startRedis()).url,
    };
    const [front, a, b] = [await freePort(), await freePort(), await freePort()];
    const url = `http://127.0.0.1:${front}`;
    const config = directoryOf({ 'haproxy.cfg': configOf(front, { a, b }) });
    const open = async (name: string, port: number) => {
      const gateway = start([], { env: { ...env, PORT: String(port) } });
      await gateway.said(/is ready/);
      const isUp = async () =>
        new RegExp(`^gateways,${name},.*,UP,`, 'm').test(await (await fetch(`${url}/stats;csv`)).text());
      await expect.poll(() => isUp().catch(() => false), { timeout: 30_000 }).toBe(true);
      return gateway;
    };
    const haproxy = spawn('haproxy', ['-db', '-f', join(config, 'haproxy.cfg')], { stdio: 'ignore' });
    onTestFinished(() => void haproxy.kill('SIGKILL'));
    const [first, second] = await Promise.all([open('a', a), open('b', b)]);
    const gateways = { a: first, b: second };

    const told = Array.from({ length: SUBSCRIBERS }, (_, n) => {
      const client = n % 2 === 0 ? openResumingSocket(url) : resuming(createSse({ url: `${url}/graphql` }));
      onTestFinished(() => void client.dispose());
      const fans: unknown[] = [];
      client.subscribe<{ followEvents: { user?: { id: string } } }>(
        { query: EVENTS, variables: {} },
        {
          next: ({ data }) => fans.push(data?.followEvents.user?.id ?? 'missed'),
          error: (error) => fans.push(error),
          complete() {},
        },
      );
      return fans;
    });
    await ask(url, 'mutation { followUsers(input: { userIds: ["star"] }) { viewer { id } } }', {
      'x-viewer-id': 'host',
    });
    await expect.poll(() => told).toEqual(told.map(() => ['host']));

    const failures: unknown[] = [];
    const followers = ['host'];
    let sent = 0;
    async function askOnce(n: number) {
      const isFollow = n % FOLLOW_EVERY === 0;
      const id = fan(1 + (isFollow ? n / FOLLOW_EVERY : n % FANS));
      if (isFollow) followers.push(id);
      const query = isFollow
        ? 'mutation { followUsers(input: { userIds: ["star"] }) { results { ... on FollowFailure { reason message } } } }'
        : `{ user(id: "${id}") { nick fansCount } }`;
      const headers = { 'content-type': 'application/json', ...(isFollow && { 'x-viewer-id': id }) };
      const body = JSON.stringify({ query });
      const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body }).catch((error: Error) => error);
      const answer = response instanceof Error ? String(response.cause) : await response.text();
      if (!answer.startsWith('{"data"') || /"(errors|reason)"/.test(answer)) failures.push(answer);
    }
    const began = performance.now();
    const running = new Set<Promise<void>>();
    const timer = setInterval(() => {
      // A machine that is too busy for that number gets fewer.
      for (; sent < (performance.now() - began) / QUERY_EVERY_MS && running.size < MAX_RUNNING; sent++) {
        const asking = askOnce(sent).finally(() => running.delete(asking));
        running.add(asking);
      }
    }, QUERY_EVERY_MS);
    onTestFinished(() => clearInterval(timer));

    for (const [name, port] of Object.entries({ a, b })) {
      const gateway = gateways[name as 'a' | 'b'];
      gateway.signal('SIGTERM');
      expect(await gateway.ended).toMatchObject({ code: 0, stderr: '' });
      await open(name, port);
    }
    clearInterval(timer);
    await Promise.all(running);
    expect(failures).toEqual([]);
    expect(followers.length).toBeGreaterThan(10);
    await expect
      .poll(() => told.map((fans) => fans.toSorted()), { timeout: 20_000 })
      .toEqual(told.map(() => followers.toSorted()));
  },
);
