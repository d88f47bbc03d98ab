// Answers as gzip: the same answers, for whoever takes them so, and never a stream.
import { request } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { type House, openHouse } from '../support/house.ts';
import { get } from './requests.ts';

const QUERY = '{ user(id: "big") { fans(first: 50) { edges { cursor followedAt node { id nick } } } } }';

async function openFull(env: Record<string, string> = { COMPRESSION: 'on' }): Promise<House> {
  const house = await openHouse({ env, sandbox: { emptyWorld: true } });
  house.sandbox.world.addFans('big', 50);
  return house;
}

type Received = { status: number; headers: Record<string, string | undefined>; bytes: Buffer };

/** An answer as its bytes are: fetch would decompress it. */
function receive(house: House, query: string, headers: Record<string, string>): Promise<Received> {
  return new Promise((resolve, reject) => {
    const sent = request(`${house.url}/graphql?query=${encodeURIComponent(query)}`, { headers }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      resolve({ status: response.statusCode ?? 0, headers: response.headers as never, bytes: Buffer.concat(chunks) });
    });
    sent.on('error', reject).end();
  });
}

test('a long answer is compressed for a client that takes gzip, and says the same', async () => {
  const house = await openFull();
  const plain = await receive(house, QUERY, {});
  const compressed = await receive(house, QUERY, { 'accept-encoding': 'br, gzip' });
  expect(compressed.headers['content-encoding']).toBe('gzip');
  expect(Number(compressed.headers['content-length'])).toBe(compressed.bytes.byteLength);
  expect(compressed.bytes.byteLength * 2).toBeLessThan(plain.bytes.byteLength);
  expect(gunzipSync(compressed.bytes).toString()).toBe(plain.bytes.toString());
  expect(compressed.headers['content-type']).toBe(plain.headers['content-type']);
  for (const { headers } of [plain, compressed]) expect(headers.vary?.split(', ')).toContain('accept-encoding');
});

test.each(['', 'identity', 'br', 'gzip;q=0', 'gzip; q=0.000, *', '*;q=0', 'xgzip', 'br;q=1.0, gzip;q=0'])(
  'a client that accepts "%s" gets it as it is',
  async (accepted) => {
    const { headers, bytes } = await receive(await openFull(), QUERY, { 'accept-encoding': accepted });
    expect(headers['content-encoding']).toBeUndefined();
    expect(JSON.parse(bytes.toString())).toHaveProperty('data.user.fans.edges.length', 50);
  },
);

test.each(['gzip', 'GZIP', 'deflate, gzip;q=0.5', '*', 'br;q=0, *;q=0.1'])('"%s" accepts gzip', async (accepted) => {
  const { headers } = await receive(await openFull(), QUERY, { 'accept-encoding': accepted });
  expect(headers['content-encoding']).toBe('gzip');
});

test('a short answer stays as it is, since it fits into a packet', async () => {
  const { headers, bytes } = await receive(await openFull(), '{ __typename }', { 'accept-encoding': 'gzip' });
  expect(headers['content-encoding']).toBeUndefined();
  expect(bytes.toString()).toBe('{"data":{"__typename":"Query"}}');
});

test('a compressed answer still validates: its tag is weak, and brings 304 without a body', async () => {
  const house = await openFull();
  const first = await receive(house, QUERY, { 'accept-encoding': 'gzip' });
  expect(first.headers.etag).toMatch(/^W\/"/);
  const again = await receive(house, QUERY, { 'accept-encoding': 'gzip', 'if-none-match': String(first.headers.etag) });
  expect(again).toMatchObject({ status: 304, bytes: Buffer.alloc(0) });
  expect(again.headers.vary?.split(', ')).toContain('accept-encoding');
});

test('a stream of events is not compressed', async () => {
  const house = await openFull();
  const query = 'subscription { followEvents(userId: "big") { __typename } }';
  const gone = new AbortController();
  const headers = { accept: 'text/event-stream', 'accept-encoding': 'gzip' };
  const response = await get(house, { query }, { headers, signal: gone.signal });
  expect(response.headers.get('content-encoding')).toBeNull();
  const { value } = (await response.body?.getReader().read()) ?? {};
  expect(Buffer.from(value ?? []).toString()).toBe(':\n\n');
  gone.abort();
});

test('nothing is compressed unless COMPRESSION is on', async () => {
  const { headers } = await receive(await openFull({}), QUERY, { 'accept-encoding': 'gzip' });
  expect(headers['content-encoding']).toBeUndefined();
  expect(headers.vary ?? '').not.toContain('accept-encoding');
});
