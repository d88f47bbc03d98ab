// Subscriptions over server-sent events: what an EventSource, or a frontend's fetch, sees, and what is refused.
import { expect, test } from 'vitest';
import { change } from '../graph/world.ts';
import { bugs, logged, requestLines } from '../http/requests.ts';
import { openEventStream, type ServerSentEvent, subscribe } from '../support/event-stream.ts';
import type { Answer } from '../support/gateway.ts';
import { scrape } from '../telemetry/scrape.ts';
import { FANS, follow, gained, openPeople } from './people.ts';

const PROFILES = 'subscription ($of: [ID!]!) { profileChanged(userIds: $of) { __typename } }';

const asUrl = ({ url }: { url: string }, parameters: Record<string, string>) =>
  `${url}/graphql?${new URLSearchParams(parameters)}`;
const codesIn = (event: ServerSentEvent | null) =>
  (JSON.parse(event?.data ?? '{}') as Answer).errors?.map(({ extensions }) => extensions.code);

test.each(['POST', 'GET'])('a subscription by %s tells what happens, as it happens', async (method) => {
  const gateway = await openPeople();
  const stream =
    method === 'POST' ? await subscribe(gateway, FANS) : await openEventStream(asUrl(gateway, { query: FANS }));
  const { status, headers } = stream.response;
  expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
    ...[200, 'text/event-stream', 'private, no-store'],
  ]);
  for (const fan of ['anna', 'bert']) {
    await follow(gateway, fan);
    expect(await stream.answer()).toEqual(gained(fan));
  }
});

test('neither the deadline of a request nor a day without events ends a stream, and comments keep it alive', async () => {
  const gateway = await openPeople();
  const stream = await subscribe(gateway, FANS);
  const event = stream.next();
  await expect.poll(stream.comments).toBe(1);
  gateway.clock.advance(24 * 60 * 60 * 1000);
  await expect.poll(stream.comments).toBe(2);
  gateway.clock.advance(12_000);
  await expect.poll(stream.comments).toBe(3);
  await follow(gateway, 'anna');
  expect(JSON.parse((await event)?.data ?? '')).toEqual(gained('anna'));
});

test.each<[string, string, Record<string, unknown>, string]>([
  ['a cursor that is none', FANS, { after: 'nonsense' }, 'INVALID_CURSOR'],
  ['a malformed id', 'subscription { followEvents(userId: "no id!") { cursor } }', {}, 'BAD_USER_INPUT'],
  ['a variable of the wrong type', FANS, { after: 7 }, 'BAD_USER_INPUT'],
  ['nobody', PROFILES, { of: [] }, 'BAD_USER_INPUT'],
  ['more than a hundred', PROFILES, { of: Array.from({ length: 101 }, (_, i) => `user${i}`) }, 'BAD_USER_INPUT'],
  ['somebody who cannot be', PROFILES, { of: ['anna', 'no such id'] }, 'BAD_USER_INPUT'],
  ['an unknown field', 'subscription { nothing }', {}, 'GRAPHQL_VALIDATION_FAILED'],
])('%s is answered by an error and the end', async (_title, query, variables, code) => {
  const gateway = await openPeople();
  const events = await (await subscribe(gateway, query, variables)).rest();
  expect(events.map(({ event }) => event)).toEqual(['next', 'complete']);
  expect(codesIn(events[0] ?? null)).toEqual([code]);
  expect(events[0]?.data).not.toMatch(/stack|"http"/);
});

test.each(['application/json', 'application/graphql-response+json', 'multipart/mixed'])(
  'a subscription that accepts %s alone is refused with 406 and told what to accept',
  async (accept) => {
    const response = await (await openPeople()).send(FANS, {}, { accept });
    const message = expect.stringContaining('text/event-stream');
    expect([response.status, await response.json()]).toEqual([
      406,
      { errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] },
    ]);
  },
);

const IN_PARTS = 'multipart/mixed;subscriptionSpec="1.0", application/json';
const part = (json: string) => `\r\ncontent-type: application/json\r\n\r\n${json}\r\n--graphql`;

test('a subscription in parts, as Apollo asks for it, has the same events and is kept alive', async () => {
  const gateway = await openPeople();
  const { response } = await subscribe(gateway, FANS, {}, { accept: IN_PARTS });
  expect(response.headers.get('content-type')).toBe('multipart/mixed;boundary="graphql";subscriptionSpec=1.0');
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let read = '';
  const readUntil = async (expected: string) => {
    while (read.length < expected.length) read += (await reader?.read())?.value;
    expect(read).toBe(expected);
  };
  const begin = `\r\n--graphql${part('{}')}`;
  await readUntil(begin);
  await follow(gateway, 'anna');
  const told = begin + part(JSON.stringify({ payload: gained('anna') }));
  await readUntil(told);
  gateway.clock.advance(12_000);
  await readUntil(told + part('{}'));
});

test('a subscription that cannot run is answered to a client that takes parts in its JSON', async () => {
  const gateway = await openPeople();
  const refused = await gateway.send('subscription { nonsense }', {}, { accept: IN_PARTS });
  expect([refused.status, refused.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
  const alone = await gateway.send('{ __typename }', {}, { accept: 'multipart/mixed;subscriptionSpec=1.0' });
  expect(await alone.text()).toBe(
    `\r\n--graphql${part('{}')}${part('{"payload":{"data":{"__typename":"Query"}}}')}--\r\n`,
  );
});

test.each(['*/*', 'text/*', 'application/json, text/event-stream'])('%s takes a stream', async (accept) => {
  const gateway = await openPeople();
  const stream = await subscribe(gateway, FANS, {}, { accept });
  expect(stream.response.headers.get('content-type')).toBe('text/event-stream');
});

test('a client that goes away leaves one line in the log and no subscription behind', async () => {
  const gateway = await openPeople();
  const stream = await subscribe(gateway, FANS);
  const open = async () => (await scrape(gateway))['open_subscriptions{transport="sse"}'];
  expect(await open()).toBe(1);
  stream.leave();
  await expect.poll(open).toBe(0);
  const [line] = await requestLines(gateway);
  expect(line).toMatchObject({ operationName: 'Fans', errorCodes: [], status: 200, stream: true, aborted: true });
  const samples = await scrape(gateway);
  expect(samples['queries_total{type="subscription",operation="other",code="OK"}']).toBe(1);
  // Its length is the client's choice, and says nothing of how fast we answer.
  const timed = Object.entries(samples).filter(([name]) => name.startsWith('request_duration_seconds_count'));
  expect(timed.filter(([, count]) => count > 0)).toEqual([]);
});

test('an event whose selection fails is told with its error, and the stream goes on', async () => {
  const gateway = await openPeople();
  const stream = await subscribe(
    gateway,
    'subscription { followEvents(userId: "star") { ... on FanGained { user { id nick } } } }',
  );
  gateway.sandbox.faults.set({ httpError: { commands: ['portrait_get'] } });
  await follow(gateway, 'anna');
  const failed = await stream.answer<Answer>();
  expect(failed.data).toEqual({ followEvents: { user: { id: 'anna', nick: null } } });
  expect(failed.errors?.map(({ extensions }) => extensions.code)).toEqual(['UPSTREAM_UNAVAILABLE']);
  gateway.sandbox.faults.reset();
  await follow(gateway, 'bert');
  expect((await stream.answer<Answer>()).data).toMatchObject({ followEvents: { user: { id: 'bert' } } });
  stream.leave();
  const streamLine = () => logged(gateway).find(({ stream }) => stream);
  await expect.poll(streamLine).toMatchObject({ errorCodes: ['UPSTREAM_UNAVAILABLE'] });
  expect(bugs(gateway)).toEqual([]);
});

test('the fields that an event selects are looked up for that event, not kept from the one before', async () => {
  const gateway = await openPeople();
  const selection = '{ __typename at ... on FanGained { user { id followsCount } } }';
  const stream = await subscribe(gateway, `subscription { followEvents(userId: "star") ${selection} }`);
  await follow(gateway, 'bert');
  const [first] = await stream.events<{ at: string }>(1);
  expect(first).toMatchObject({ user: { id: 'bert', followsCount: 1 } });
  expect(Math.abs(Date.parse(first?.at ?? '') - gateway.clock.now())).toBeLessThan(3_600_000);
  await change(gateway, 'followUsers', 'bert', ['anna']);
  await change(gateway, 'unfollowUsers', 'bert', ['star']);
  await follow(gateway, 'bert');
  expect(await stream.events(2)).toMatchObject([{ __typename: 'FanLost' }, { user: { id: 'bert', followsCount: 2 } }]);
});
