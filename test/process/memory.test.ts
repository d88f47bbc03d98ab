// What a deployment must give, as deploy/README.md says it.
import { expect, test } from 'vitest';
import { heldMemory } from '../support/garbage.ts';
import { openGateway } from '../support/gateway.ts';
import { openSandbox } from '../support/sandbox.ts';
import { start } from './start-process.ts';

const CACHE_MEMORY_MB = 16;
/** Far more than that cache holds. */
const USERS = 15_000;

test('no more is resident than the page says, however many users are asked for', async () => {
  const { settings, world } = await openSandbox({ rateLimits: Number.POSITIVE_INFINITY });
  world.addFans('star', USERS);
  const own = { CACHE_MEMORY_MB: String(CACHE_MEMORY_MB), UPSTREAM_RATE: '100000', PORT: '0', METRICS_PORT: '0' };
  const env = { ...settings, ...own };
  const gateway = start([], { env });
  const [, metrics = ''] = await gateway.said(/"url":"(http:[^"]+\/metrics)"/);
  const [, url = ''] = await gateway.said(/GraphiQL +(http:\S+)/);
  const query = 'query ($ids: [ID!]!) { users(ids: $ids) { nick avatar fansCount } }';
  for (let from = 0; from < USERS; from += 100) {
    const ids = Array.from({ length: 100 }, (_, n) => `crowd_${String(from + n + 1).padStart(6, '0')}`);
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables: { ids } }) });
    expect(await response.json()).not.toHaveProperty('errors');
  }
  const scraped = await (await fetch(metrics)).text();
  const [, bytes] = /^process_resident_memory_bytes (\d+)/m.exec(scraped) ?? [];
  const cached = Array.from(scraped.matchAll(/^follow_gateway_memory_bytes\{.*\} (\d+)/gm), ([, size]) => Number(size));
  const cachedMb = cached.reduce((sum, size) => sum + size, 0) / 1024 / 1024;
  expect(cachedMb).toBeGreaterThan(CACHE_MEMORY_MB / 4);
  expect(cachedMb).toBeLessThanOrEqual(CACHE_MEMORY_MB);
  expect(Number(bytes) / 1024 / 1024).toBeLessThan(640 + 2 * CACHE_MEMORY_MB);
});

test('the answer to a long document takes no more than what was sent and received, however many there are', async () => {
  const gateway = await openGateway();
  async function askMany(from: number, to: number): Promise<number> {
    for (let n = from; n < to; n++) await gateway.data(`{ user(id: "u${n}") { ${'id __typename '.repeat(200)} } }`);
    return heldMemory();
  }
  // Far more than the parsed documents that are kept at once.
  const before = await askMany(0, 400);
  expect((await askMany(400, 800)) - before).toBeLessThan(20_000_000);
});
