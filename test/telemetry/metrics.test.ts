// What an operator sees: counters that tell what happened, and nothing that must stay inside.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { ask as askSocket, openClient } from '../subscriptions/sockets.ts';
import { createHastyClock } from '../support/clock.ts';
import { openGateway, type TestGateway } from '../support/gateway.ts';
import { operatorOf, startRedis } from '../support/redis.ts';
import { isOnPath } from '../support/redis-process.ts';
import { ADD, follows, PATH, TOKEN, tell } from '../webhook/webhook-gateway.ts';
import { counted, metricsUrl, only, scrape, scrapeText } from './scrape.ts';

const FANS_SCREEN = readFileSync(new URL('../../schema/operations/01-fans-screen.graphql', import.meta.url), 'utf8');

/** A gateway with metrics and somebody who has 45 fans. */
async function openWatched(env: Record<string, string> = {}) {
  const clock = createHastyClock();
  const gateway = await openGateway({ clock, env: { METRICS_PORT: '0', ...env } });
  gateway.sandbox.world.addFans('star', 45);
  return { gateway, clock };
}

/** The same with Redis, on the system's clock: a hasty one never lets Redis answer in time. */
async function openOnRedis(REDIS_URL: string): Promise<TestGateway> {
  const env = { METRICS_PORT: '0', REDIS_URL, REDIS_TIMEOUT_MS: '5000' };
  const gateway = await openGateway({ env });
  gateway.sandbox.world.addFans('star', 45);
  return gateway;
}

const read = async (gateway: TestGateway, name: string) => counted(await scrape(gateway), name);

test('a cold and a warm screen are counted from the query to the upstream', async () => {
  const { gateway } = await openWatched();
  await gateway.data(FANS_SCREEN, { userId: 'star' });
  // Asked in the same words, it would be answered without a look into the cache.
  await gateway.data(`${FANS_SCREEN} `, { userId: 'star' });
  const samples = await scrape(gateway);

  expect(counted(samples, 'queries_total')).toEqual({ '{type="query",operation="FansScreen",code="OK"}': 2 });
  const once = (labels: string[]) => Object.fromEntries(labels.map((each) => [each, 1]));
  const commands = ['follow_get', 'follow_get_info', 'portrait_get'];
  expect(counted(samples, 'upstream_calls_total')).toEqual(
    once(commands.map((command) => `{command="${command}",outcome="ok"}`)),
  );
  expect(counted(samples, 'upstream_call_duration_seconds_count')).toEqual(
    once(commands.map((command) => `{command="${command}"}`)),
  );
  const reads = ['outcome="miss",tier="source"', 'outcome="fresh",tier="memory"'];
  expect(counted(samples, 'cache_reads_total')).toEqual(
    once(['page', 'counts', 'profile'].flatMap((kind) => reads.map((read) => `{kind="${kind}",${read}}`))),
  );
  expect(only(samples, 'breaker_state')).toMatchObject({
    '{command="follow_get",state="closed"}': 1,
    '{command="follow_get",state="open"}': 0,
  });
  const admitted = '{command="follow_get",priority="interactive"}';
  expect(counted(samples, 'budget_admitted_total')).toMatchObject({ [admitted]: 1 });
  for (const name of ['budget_refused_total', 'budget_waiting']) expect(only(samples, name)[admitted]).toBe(0);
  for (const [name, value] of Object.entries({ budget_limit: 100_000, budget_used: 1, budget_shared: 0 }))
    expect([name, only(samples, name)['{command="follow_get"}']]).toEqual([name, value]);
  expect(only(samples, 'memory_bytes')).toMatchObject({
    '{kind="page"}': expect.toSatisfy((bytes: number) => bytes > 1000),
    '{kind="relation"}': 0,
  });
  // There is none.
  expect(only(samples, 'redis_up')).toEqual({});
});

test('a batch is counted with its size', async () => {
  const { gateway } = await openWatched();
  const ids = gateway.sandbox.world.list('star', 'fans').map(({ id }) => id);
  await gateway.data('query ($ids: [ID!]!) { users(ids: $ids) { nick } }', { ids });
  expect(await read(gateway, 'batch_size_count')).toEqual({ '{kind="profile"}': 1 });
  expect(await read(gateway, 'batch_size_sum')).toEqual({ '{kind="profile"}': 45 });
});

test('the time of every request is told by operation and status, as soon as the answer is out', async () => {
  const { gateway } = await openWatched();
  await gateway.data(FANS_SCREEN, { userId: 'star' });
  await (await fetch(`${gateway.url}/graphql`, { method: 'POST', body: '{}' })).text();
  await (await fetch(`${gateway.url}/nowhere`)).text();
  await expect
    .poll(() => read(gateway, 'request_duration_seconds_count'))
    .toEqual({ '{operation="FansScreen",status="200"}': 1, '{operation="other",status="415"}': 1 });
});

test('queries are counted with their codes, and whatever clients call operations and users, there are no more lines for it', async () => {
  const { gateway } = await openWatched();
  for (const query of ['{', '{ nobody }', '{ user(id: "") { id } }']) await gateway.query(query);
  for (let n = 0; n < 20; n++) await gateway.data(`query Invented${n} { user(id: "invented_${n}") { id } }`);
  expect(await read(gateway, 'queries_total')).toEqual({
    '{type="none",operation="other",code="GRAPHQL_PARSE_FAILED"}': 1,
    '{type="none",operation="other",code="GRAPHQL_VALIDATION_FAILED"}': 1,
    '{type="query",operation="other",code="BAD_USER_INPUT"}': 1,
    '{type="query",operation="other",code="OK"}': 20,
  });
  expect(await scrapeText(gateway)).not.toMatch(/invented/i);
});

test('failing calls are counted with the code or the reason, tries included, and an open breaker is seen', async () => {
  const { gateway, clock } = await openWatched();
  gateway.sandbox.faults.set({
    error: { code: 60018, commands: ['follow_get'] },
    reset: { commands: ['portrait_get'] },
  });
  for (let n = 0; n < 6; n++) {
    await gateway.query(`{ user(id: "star") { fans(first: ${n + 1}) { nodes { id } } nick } }`);
    clock.advance(100);
  }
  const samples = await scrape(gateway);
  const received = ({ sandbox }: TestGateway, command: 'follow_get' | 'portrait_get') => sandbox.calls.count(command);
  const calls = counted(samples, 'upstream_calls_total');
  expect(calls['{command="follow_get",outcome="60018"}']).toBe(received(gateway, 'follow_get'));
  const broken = Object.entries(calls).filter(([labels]) => /portrait_get.*outcome="[A-Z_]+"/.test(labels));
  expect(broken.reduce((sum, [, count]) => sum + count, 0)).toBe(received(gateway, 'portrait_get'));
  expect(only(samples, 'breaker_state')).toMatchObject({
    '{command="portrait_get",state="open"}': 1,
    '{command="portrait_get",state="closed"}': 0,
  });
});

test('a call that the budget refuses is counted', async () => {
  const { gateway } = await openWatched({ UPSTREAM_RATE: '1' });
  const ask = (id: number) => gateway.query(`{ user(id: "user_${id}") { fans { nodes { id } } } }`);
  const answers = await Promise.all([1, 2, 3, 4].map(ask));
  const refused = answers.filter(({ errors }) => errors?.[0]?.extensions.code === 'THROTTLED').length;
  expect(refused).toBeGreaterThan(0);
  expect(await read(gateway, 'budget_refused_total')).toEqual({
    '{command="follow_get",priority="interactive"}': refused,
  });
});

test('stale and absent answers are told from fresh ones, shared loads are counted, and the last webhook is dated', async () => {
  const { gateway, clock } = await openWatched({ LIST_FRESH_SECONDS: '10', WEBHOOK_TOKEN: TOKEN, WEBHOOK_PATH: PATH });
  const counts = '{ user(id: "star") { fansCount } }';
  await gateway.data(counts);
  clock.advance(11_000);
  await gateway.data(counts);
  for (let n = 0; n < 2; n++) await gateway.query('{ user(id: "nobody") { fans { nodes { id } } } }');
  gateway.sandbox.faults.set({ latency: { ms: 500 } });
  await Promise.all([1, 2, 3].map(() => gateway.data('{ user(id: "star") { fans { nodes { id } } } }')));
  const samples = await scrape(gateway);
  expect(counted(samples, 'cache_reads_total')).toMatchObject({
    '{kind="counts",outcome="stale",tier="memory"}': 1,
    '{kind="page",outcome="absent",tier="memory"}': 1,
  });
  expect(counted(samples, 'flights_shared_total')).toEqual({ '{kind="page"}': 2 });
  expect(counted(samples, 'stale_answers_total')).toEqual({ '{reason="REVALIDATING"}': 1 });
  expect(counted(samples, 'last_webhook_timestamp_seconds')).toEqual({});
  await tell(gateway, ADD, follows('ana', ['star']), { at: clock.now() });
  const { '': at = 0 } = await read(gateway, 'last_webhook_timestamp_seconds');
  expect(Math.abs(Date.now() / 1000 - at)).toBeLessThan(60);
});

test('Redis is seen to answer, to bring what another gateway left there, and to go away', async () => {
  const redis = await startRedis();
  const nick = '{ user(id: "star") { nick } }';
  await (await openOnRedis(redis.url)).data(nick);
  // It is written behind the answer.
  const eye = operatorOf(redis.url);
  while ((await eye.keys('*:profile:{star}:*:star')).length === 0);
  const gateway = await openOnRedis(redis.url);
  // Until it hears the others, a gateway does not trust what it finds.
  const channel = `follow-gateway:${SANDBOX_APP.sdkAppId}:invalidation`;
  while (Number((await eye.pubsub('NUMSUB', channel))[1]) < 2);
  await gateway.data(nick);
  expect(await read(gateway, 'cache_reads_total')).toEqual({ '{kind="profile",outcome="fresh",tier="redis"}': 1 });
  expect(await read(gateway, 'redis_up')).toEqual({ '': 1 });
  await redis.kill();
  await gateway.data('{ user(id: "star") { fansCount } }');
  expect(only(await scrape(gateway), 'redis_up')).toEqual({ '': 0 });
});

test('neither the key nor a signature nor a password is ever shown', async () => {
  const redis = await startRedis({ args: ['--requirepass', 'opensesame'] });
  const gateway = await openOnRedis(redis.url.replace('redis://', 'redis://:opensesame@'));
  for (const code of [70009, 60025, 4711])
    gateway.sandbox.faults.set({ error: { code, info: `bad ${SANDBOX_APP.secretKey}`, times: 1 } });
  await gateway.query(FANS_SCREEN, { userId: 'star' });
  gateway.sandbox.faults.set({ httpError: { status: 502, body: SANDBOX_APP.secretKey } });
  await gateway.query('{ user(id: "star") { follows { nodes { id } } } }');
  const text = await scrapeText(gateway);
  expect(text).toContain('outcome="HTTP 502"');
  expect(text).not.toMatch(/usersig|opensesame|eJ[A-Za-z0-9*_-]{40}/i);
  expect(text).not.toContain(SANDBOX_APP.secretKey);
});

test('clients are counted by name and version, over WebSockets too, and no more than fifty of them', async () => {
  const { gateway } = await openWatched();
  const ask = (name: string, version = '1') =>
    gateway.send('{ __typename }', {}, { 'graphql-client-name': name, 'graphql-client-version': version });
  for (const version of ['1', '2', '2']) await ask('ios', version);
  for (const params of [{ client: { name: 'web', version: '3' } }, { 'apollographql-client-name': 'web' }])
    await askSocket(openClient(gateway, params), '{ __typename }');
  expect(await read(gateway, 'client_queries_total')).toEqual({
    '{client="ios",version="1"}': 1,
    '{client="ios",version="2"}': 2,
    '{client="web",version="3"}': 1,
    '{client="web",version=""}': 1,
  });
  expect(gateway.logLines.join()).toContain('"clientName":"web","clientVersion":"3"');
  for (let n = 0; n < 60; n++) await ask(`invented ${n}`);
  const clients = await read(gateway, 'client_queries_total');
  expect(Object.keys(clients)).toHaveLength(51);
  expect(clients['{client="other",version=""}']).toBe(60 - 46);
});

test.skipIf(!isOnPath('promtool'))(
  'promtool finds nothing to say of names and texts, and the process is told of too',
  async () => {
    const { gateway } = await openWatched();
    await gateway.data(FANS_SCREEN, { userId: 'star' });
    const text = await scrapeText(gateway);
    const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(text).not.toMatch(/^# TYPE (?!follow_gateway_|nodejs_|process_)/m);
    expect(text).toMatch(/^process_resident_memory_bytes \d+/m);
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
  },
);

test('what has known labels is 0 from the start', async () => {
  const { gateway } = await openWatched();
  expect(await scrape(gateway)).toMatchObject({
    'queries_total{type="mutation",operation="other",code="OK"}': 0,
    'request_duration_seconds_count{operation="other",status="200"}': 0,
    'upstream_calls_total{command="follow_delete",outcome="ok"}': 0,
    'upstream_call_duration_seconds_count{command="account_check"}': 0,
    'cache_reads_total{kind="relation",outcome="stale",tier="redis"}': 0,
    'flights_shared_total{kind="page"}': 0,
    'batch_size_count{kind="counts"}': 0,
    'documents_total{outcome="refused"}': 0,
    'webhooks_total{command="none",outcome="refused"}': 0,
    'odd_entries_total{oddity="no account"}': 0,
    'open_subscriptions{transport="websocket"}': 0,
    'memory_bytes{kind="profile"}': 0,
  });
});

test('there is nothing but metrics at their port, which is METRICS_PORT alone, and no metrics where GraphQL is', async () => {
  const without = await openGateway();
  expect(() => metricsUrl(without)).toThrow('METRICS_PORT');
  const { gateway } = await openWatched();
  const { origin } = new URL(metricsUrl(gateway));
  for (const path of ['/', '/graphql', '/health/live', '/metrics/', '/metricsx'])
    expect((await fetch(`${origin}${path}`)).status).toBe(404);
  expect((await fetch(`${origin}/metrics`, { method: 'POST' })).status).toBe(404);
  const head = await fetch(`${origin}/metrics?name=x`, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  expect((await fetch(`${gateway.url}/metrics`)).status).toBe(404);
});
