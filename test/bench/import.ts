// What clients of a gateway feel of an import: 100,000 follows go in beside it, by the budget that both share.
//
//   npm run bench:import [-- --follows 100000]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createSandbox, SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { busiestSecond } from '../support/busiest-second.ts';
import { startRedisProcess } from '../support/redis-process.ts';
import { quantile } from './measuring/results.ts';
import { startServer } from './measuring/servers.ts';

const LATENCY_MS = 20;
const FOLLOWS_OF_EACH = 20;
/** Interactive operations a second: mutations by as many viewers, and the lists of as many users. */
const PER_SECOND = 40;
const ALONE_MS = 15_000;
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

const { follows = '100000' } = parseArgs({ options: { follows: { type: 'string' } } }).values;
const fans = Math.ceil(Number(follows) / FOLLOWS_OF_EACH);
const sandbox = createSandbox();
for (let n = 0; n < fans; n++)
  for (const kind of ['fan', 'viewer', 'star']) sandbox.world.importAccount(`${kind}_${n}`);
sandbox.faults.set({ latency: { ms: LATENCY_MS } });
const [redis, { url }] = await Promise.all([startRedisProcess(), sandbox.listen()]);
const { sdkAppId, secretKey } = SANDBOX_APP;
const app = { TENCENT_SDK_APP_ID: String(sdkAppId), TENCENT_SECRET_KEY: secretKey, TENCENT_BASE_URL: url };
const env = { ...app, REDIS_URL: redis.url, NODE_ENV: 'development' };
const gateway = await startServer('../../src/main.ts', { ...env, AUTH: 'development' });

let asked = 0;
await measure('alone', delay(ALONE_MS));
const folder = await mkdtemp(join(tmpdir(), 'follow-gateway-import-'));
const lines = Array.from({ length: Number(follows) }, (_, n) => {
  return `fan_${Math.floor(n / FOLLOWS_OF_EACH)},star_${n % FOLLOWS_OF_EACH}\n`;
});
await writeFile(join(folder, 'follows.csv'), `from,to\n${lines.join('')}`);
const startedAt = performance.now();
const importing = spawn(process.execPath, [MAIN, 'import', 'follows', join(folder, 'follows.csv')], {
  env: { PATH: process.env.PATH, ...env },
  stdio: 'inherit',
});
await measure('beside the import', once(importing, 'exit'));
const seconds = (performance.now() - startedAt) / 1000;
const busiest = busiestSecond(sandbox.calls.times('follow_add'));
const outcomes = JSON.stringify(sandbox.calls.summary().follow_add?.outcomes);
await measure('alone again', delay(ALONE_MS));
console.log(`${follows} follows in ${seconds.toFixed(0)} s; busiest second ${busiest} calls; outcomes ${outcomes}`);
await rm(folder, { recursive: true });
process.exit();

/** Asks at a fixed rate until `end`, and prints how long the answers took. */
async function measure(title: string, end: Promise<unknown>): Promise<void> {
  const tookMs: number[] = [];
  const failures: Record<string, number> = {};
  let isOver = false;
  void end.finally(() => {
    isOver = true;
  });
  const beganAt = performance.now();
  for (let n = 0; !isOver; n++) {
    await delay(Math.max(0, beganAt + (n * 1000) / PER_SECOND - performance.now()));
    void ask(asked++).then(({ failure, ms }) => {
      tookMs.push(ms);
      if (failure) failures[failure] = (failures[failure] ?? 0) + 1;
    });
  }
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => quantile(tookMs, share).toFixed(0));
  console.log(
    `${title}: ${tookMs.length} answers, p50 ${p50} p95 ${p95} p99 ${p99} ms, failed: ${JSON.stringify(failures)}`,
  );
}

async function ask(n: number) {
  const change = `mutation { followUsers(input: { userIds: ["star_${n % fans}"] }) { results { ... on FollowFailure { reason } } } }`;
  const read = `{ user(id: "fan_${n % fans}") { follows(first: 20) { nodes { id } } } }`;
  const sentAt = performance.now();
  const answer = fetch(`${gateway.origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-viewer-id': `viewer_${n % fans}` },
    body: JSON.stringify({ query: n % 2 === 0 ? change : read }),
  });
  const text = await answer.then((response) => response.text()).catch(() => '"code":"NO_ANSWER"');
  return { failure: /"(?:code|reason)":"(\w+)"/.exec(text)?.[1], ms: performance.now() - sentAt };
}
