// Traces as a collector receives them: the work for each request, how long it took, and no secret.
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { ROOT } from '../process/start-process.ts';
import { ask, openClient } from '../subscriptions/sockets.ts';
import { subscribe } from '../support/event-stream.ts';
import { startRedis } from '../support/redis.ts';
import { ADD, follows, TOKEN, tell } from '../webhook/webhook-gateway.ts';
import { openTraced, type SpanSeen, treeOf } from './collector.ts';
import { metricsUrl, scrapeText } from './scrape.ts';

const named = <T extends { name: string }>(spans: readonly T[], name: string) =>
  spans.filter((span) => span.name === name);
const [TRACE, PARENT] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
/** Of each span with that name these attributes. */
const told = (spans: readonly SpanSeen[], name: string, ...attributes: string[]) =>
  named(spans, name).map((span) => attributes.map((attribute) => span.attributes[attribute]));

test('a list with counts of 45 users and relations is one trace: request, operation, batches, calls', async () => {
  const gateway = await openTraced();
  gateway.sandbox.world.addFans('star', 45);
  const query = 'query Fans { user(id: "star") { fans(first: 45) { nodes { id fansCount viewerIsFollowing } } } }';
  const headers = { 'x-viewer-id': 'star', 'graphql-client-name': 'ios', 'graphql-client-version': '1.2' };
  await (await gateway.send(query, {}, headers)).text();
  const spans = await gateway.traced();
  const counts = Array.from({ length: 3 }, () => ({ 'batch counts': [{ follow_get_info: [] }] }));
  expect(treeOf(spans)).toEqual([
    { 'POST /graphql': [{ query: [...counts, { 'batch relation': [{ follow_check: [] }] }, { follow_get: [] }] }] },
  ]);
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  const [request, operation, call] = ['POST /graphql', 'query', 'follow_get'].map((name) => named(spans, name)[0]);
  expect(request?.attributes).toMatchObject({
    'http.request.method': 'POST',
    'http.route': '/graphql',
    'url.scheme': 'http',
    'url.path': '/graphql',
    'http.response.status_code': 200,
    'graphql.client.name': 'ios',
    'graphql.client.version': '1.2',
  });
  expect(operation?.attributes).toMatchObject({
    'graphql.operation.name': 'Fans',
    'graphql.operation.type': 'query',
    'graphql.document.id': expect.stringMatching(/^[0-9a-f]{64}$/),
    'follow_gateway.upstream_calls': 5,
  });
  expect(call?.attributes).toMatchObject({
    'server.address': '127.0.0.1',
    'server.port': expect.any(Number),
    'url.template': '/v4/follow/follow_get',
    'http.request.method': 'POST',
    'http.request.resend_count': 0,
    'http.response.status_code': 200,
    'follow_gateway.budget.wait_ms': expect.any(Number),
    'follow_gateway.breaker': 'closed',
  });
  const { trace_id } = gateway.logLines.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'request');
  expect(trace_id).toBe(request?.traceId);
});

test("a mutation's trace has the look before its change", async () => {
  const gateway = await openTraced();
  for (const id of ['ana', 'bert']) gateway.sandbox.world.importAccount(id);
  const mutation = 'mutation { followUsers(input: { userIds: ["bert"] }) { __typename } }';
  await (await gateway.send(mutation, {}, { 'x-viewer-id': 'ana' })).text();
  const calls = [{ follow_add: [] }, { follow_check: [] }];
  expect(treeOf(await gateway.traced())).toEqual([{ 'POST /graphql': [{ mutation: calls }] }]);
});

test('requests that share a batch are all linked from it', async () => {
  const gateway = await openTraced();
  gateway.sandbox.world.addFans('star', 20);
  const ids = gateway.sandbox.world.list('star', 'fans').map(({ id }) => id);
  await Promise.all(ids.map((id) => gateway.data(`{ user(id: "${id}") { fansCount } }`)));
  const spans = await gateway.traced();
  const operations = named(spans, 'query').map(({ spanId }) => spanId);
  const batches = named(spans, 'batch counts').map(({ links = [], parentSpanId = '', attributes }) => ({
    keys: attributes['follow_gateway.batch.keys'],
    servedSpans: links.length > 0 ? links.map(({ spanId }) => spanId) : [parentSpanId],
  }));
  for (const { keys, servedSpans } of batches) expect(servedSpans).toHaveLength(Number(keys));
  expect(batches.flatMap(({ servedSpans }) => servedSpans).sort()).toEqual(operations.sort());
  expect(batches.length).toBeLessThan(20);
});

test('a call that is tried again shows each attempt, and why the first one failed', async () => {
  const gateway = await openTraced();
  gateway.sandbox.world.addFans('star', 2);
  gateway.sandbox.faults.set({ error: { code: 30006, commands: ['follow_get'], times: 1 } });
  await gateway.data('{ user(id: "star") { fans { nodes { id } } } }');
  expect(told(await gateway.traced(), 'follow_get', 'http.request.resend_count', 'error.type')).toEqual([
    [0, '30006'],
    [1, undefined],
  ]);
});

test('an answer that is kept is an operation without calls; a failure carries its codes', async () => {
  const gateway = await openTraced();
  gateway.sandbox.world.addFans('star', 2);
  for (let n = 0; n < 2; n++) await gateway.data('{ user(id: "star") { fans { nodes { id } } } }');
  await gateway.query('{ user(id: "") { id } }');
  const spans = await gateway.traced();
  expect(treeOf(spans)).toEqual([
    { 'POST /graphql': [{ query: [{ follow_get: [] }] }] },
    { 'POST /graphql': [{ query: [] }] },
    { 'POST /graphql': [{ query: [] }] },
  ]);
  expect(told(spans, 'query', 'follow_gateway.kept_answer', 'error.type')).toEqual([
    [undefined, undefined],
    [true, undefined],
    [undefined, 'BAD_USER_INPUT'],
  ]);
});

test("a trace goes on that a router has begun, or is left out where the router's is", async () => {
  const gateway = await openTraced();
  for (const traceparent of [`00-${TRACE}-${PARENT}-01`, `00-${TRACE}-${PARENT}-00`, 'nonsense'])
    await (await gateway.send('{ __typename }', {}, { traceparent, tracestate: 'vendor=1' })).text();
  const requests = named(await gateway.traced(), 'POST /graphql');
  expect(requests.map(({ parentSpanId }) => parentSpanId || null)).toEqual([PARENT, null]);
  expect(requests[0]).toMatchObject({ traceId: TRACE, traceState: 'vendor=1' });
});

test.each([
  ['0', 1],
  ['1', 3],
])('with a share of %s, traces that a router keeps are kept, and of others that share', async (share, kept) => {
  const sampler = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: share };
  const gateway = await openTraced(sampler);
  for (const headers of [{ traceparent: `00-${TRACE}-${PARENT}-01` }, { traceparent: 'nonsense' }, undefined])
    await (await gateway.send('{ __typename }', {}, headers)).text();
  expect(named(await gateway.traced(), 'POST /graphql')).toHaveLength(kept);
});

test('operations over a WebSocket, each event of a subscription, and webhooks are traced', async () => {
  const env = { WEBHOOK_TOKEN: TOKEN, WEBHOOK_PATH: '/hooks/follow' };
  const gateway = await openTraced(env);
  for (const id of ['star', 'ana']) gateway.sandbox.world.importAccount(id);
  await ask(openClient(gateway), '{ user(id: "star") { fansCount } }');
  const query = 'subscription { followEvents(userId: "star") { ... on FanGained { user { nick } } } }';
  const events = await subscribe(gateway, query);
  gateway.sandbox.world.follow('ana', 'star');
  await tell(gateway, ADD, follows('ana', ['star']));
  await events.answer();
  const spans = await gateway.traced();
  expect(treeOf(spans)).toEqual([
    { 'GraphQL over WebSocket': [{ query: [{ 'batch counts': [{ follow_get_info: [] }] }] }] },
    { 'POST /graphql': [{ subscription: [{ 'subscription event': [{ 'batch profile': [{ portrait_get: [] }] }] }] }] },
    { 'POST webhook': [{ follow_check: [] }] },
  ]);
});

test('a look-up in Redis is seen, and no exported byte holds a secret or an address of a client', async () => {
  const redis = await startRedis({ args: ['--requirepass', 'opensesame'] });
  const url = redis.url.replace('redis://', 'redis://:opensesame@');
  const webhooks = { WEBHOOK_TOKEN: TOKEN, WEBHOOK_PATH: '/hooks/hidden' };
  const env = { REDIS_URL: url, REDIS_TIMEOUT_MS: '5000', TRUST_PROXY: '1', AUTH: 'usersig', ...webhooks };
  const gateway = await openTraced(env);
  gateway.sandbox.world.addFans('star', 2);
  const { secretKey } = SANDBOX_APP;
  for (const code of [30006, 70009, 4711])
    gateway.sandbox.faults.set({ error: { code, info: `bad ${secretKey}`, times: 1 } });
  const address = { 'x-forwarded-for': '203.0.113.7' };
  const headers = { ...address, authorization: 'Bearer hunter2hunter2', cookie: 'hunter2hunter2' };
  for (const sent of [address, headers])
    for (const field of ['a: nick(b: "hunter2hunter2")', '']) {
      const query = `{ user(id: "star") { fans { nodes { id } } followsCount ${field} } }`;
      await (await gateway.send(query, { hunter2hunter2: 1 }, sent)).text();
    }
  await fetch(`${gateway.url}/graphql?query=hunter2hunter2`, { headers });
  await fetch(`${gateway.url}/hooks/hidden?Sign=hunter2hunter2`, { method: 'POST', headers });
  const spans = await gateway.traced();
  expect(new Set(spans.map(({ name }) => name))).toEqual(
    new Set([
      ...['POST /graphql', 'GET /graphql', 'POST webhook', 'query', 'GraphQL Operation', 'MGET'],
      ...['follow_get', 'batch counts', 'follow_get_info'],
    ]),
  );
  expect(named(spans, 'MGET')[0]?.attributes).toEqual({
    'db.system.name': 'redis',
    'db.operation.name': 'MGET',
    'server.address': '127.0.0.1',
  });
  const exported = JSON.stringify(gateway.collector.received);
  expect(exported).not.toMatch(/hunter2|opensesame|203\.0\.113|hidden|usersig|eJ[A-Za-z0-9*_-]{40}/i);
  expect(exported).not.toContain(secretKey);
});

test('a collector that refuses is one line without what was sent, and its end another', async () => {
  const env = { OTEL_BSP_SCHEDULE_DELAY: '1', OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=hunter2hunter2' };
  const { collector, logLines, data } = await openTraced(env);
  const lines = () =>
    logLines.flatMap((line) => {
      const { level, msg, failure } = JSON.parse(line);
      return msg.includes('collector') ? [[level, msg, failure]] : [];
    });
  const send = async () => {
    const count = collector.received.length;
    await data('{ __typename }');
    await expect.poll(() => collector.received.length).toBeGreaterThan(count);
  };
  collector.answerWith(401);
  for (let n = 0; n < 3; n++) await send();
  await expect.poll(lines).toEqual([[50, 'The collector of traces takes nothing; it is dropped', 401]]);
  collector.answerWith(200);
  await send();
  await expect.poll(() => lines().slice(1)).toEqual([[30, 'The collector of traces is back', undefined]]);
  expect(logLines.join()).not.toContain('hunter2');
});

test('while the collector does not answer, queries are answered and a bounded number of spans waits', async () => {
  const gateway = await openTraced({ OTEL_BSP_MAX_QUEUE_SIZE: '40', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '20' });
  gateway.collector.hold();
  for (let n = 0; n < 200; n++) await gateway.data(`query Q${n} { __typename }`);
  gateway.collector.release();
  const spans = await gateway.traced();
  expect(spans.length).toBeGreaterThanOrEqual(60);
  expect(spans.length).toBeLessThan(150);
});

test('the latency histogram names the traces of requests, and is read as OpenMetrics', async () => {
  const gateway = await openTraced({ METRICS_PORT: '0' });
  await gateway.data('{ __typename }');
  const type = (await fetch(metricsUrl(gateway))).headers.get('content-type');
  const text = () => scrapeText(gateway);
  await expect.poll(text).toMatch(/request_duration_seconds_bucket\{.*\} 1 # \{trace_id="[0-9a-f]{32}"\}/);
  expect(type).toContain('application/openmetrics-text');
  expect(await text()).toMatch(/^# TYPE follow_gateway_queries counter\n[^#]*follow_gateway_queries_total\{/m);
  expect(await text()).toMatch(/\n# EOF\n$/);
});

test('without a collector the SDK is not loaded', () => {
  const program = `
    import { createRequire } from 'node:module';
    import { pino } from 'pino';
    import { readConfig } from './src/config.ts';
    import { createGateway } from './src/server.ts';
    const env = { PORT: '0', TENCENT_SDK_APP_ID: '1', TENCENT_SECRET_KEY: 'x'.repeat(32), TENCENT_BASE_URL: 'http://127.0.0.1:1' };
    const gateway = await createGateway(readConfig({ ...env, ...process.env }), { log: pino({ level: 'silent' }) });
    await gateway.listen();
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    console.log(loaded.filter((path) => /@opentelemetry.(sdk|exporter|otlp)|@graphql-hive.core/.test(path)).length);
    process.exit();`;
  const loaded = (env: Record<string, string>) =>
    Number(
      spawnSync(process.execPath, ['--input-type=module', '-e', program], { cwd: ROOT, env, encoding: 'utf8' }).stdout,
    );
  expect(loaded({})).toBe(0);
  expect(loaded({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_TRACES_EXPORTER: 'none' })).toBe(0);
  expect(loaded({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' })).toBeGreaterThan(10);
});
