// How long after a follow a subscriber on another replica hears of it: webhook, look at the upstream, log, stream.
//
//   node test/bench/live.ts
//
// Two gateways of this process over one Redis, a sandbox that tells the first, one subscriber at the second; printed
// beside one upstream call, which the look cannot do without.
import { pino } from 'pino';
import { readConfig } from '../../src/config.ts';
import { createSandbox, SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { createGateway } from '../../src/server.ts';
import { startRedisProcess } from '../support/redis-process.ts';

const FOLLOWS = 300;
const TOKEN = 'demo-callback-token-001';
const STAR = 'hermit';

const redis = await startRedisProcess();
const sandbox = createSandbox({ rateLimits: Number.POSITIVE_INFINITY });
const { url: upstream } = await sandbox.listen();
const open = async () => {
  const config = readConfig({
    PORT: '0',
    TENCENT_SDK_APP_ID: String(SANDBOX_APP.sdkAppId),
    TENCENT_SECRET_KEY: SANDBOX_APP.secretKey,
    TENCENT_BASE_URL: upstream,
    UPSTREAM_RATE: '100000',
    REDIS_URL: redis.url,
    WEBHOOK_TOKEN: TOKEN,
    WEBHOOK_PATH: '/hooks',
  });
  const gateway = createGateway(config, { log: pino({ level: 'silent' }) });
  return { gateway, url: await gateway.listen() };
};
const [told, other] = [await open(), await open()];
sandbox.webhooks.connect({ url: `${told.url}/hooks`, token: TOKEN });

const stream = await fetch(`${other.url}/graphql`, {
  method: 'POST',
  headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
  body: JSON.stringify({ query: `subscription { followEvents(userId: "${STAR}") { __typename } }` }),
});
const chunks = stream.body?.getReader();
const decoder = new TextDecoder();
let text = '';
async function nextEvent(): Promise<void> {
  while (!text.includes('event: next')) {
    const chunk = await chunks?.read();
    if (!chunk?.value) throw new Error('The stream has ended.');
    text += decoder.decode(chunk.value, { stream: true });
  }
  text = text.slice(text.indexOf('event: next') + 1);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
const events: number[] = [];
const calls: number[] = [];
for (let n = 1; n <= FOLLOWS; n++) {
  const fan = `user_${String(n).padStart(5, '0')}`;
  events.push(
    await timed(() => {
      sandbox.act.follow(fan, STAR);
      return nextEvent();
    }),
  );
  calls.push(
    await timed(() =>
      fetch(`${upstream}/v4/follow/follow_check`, { method: 'POST', body: '{}' }).then((r) => r.text()),
    ),
  );
}
const at = (times: number[], share: number) => times.toSorted((a, b) => a - b)[Math.floor(times.length * share)] ?? 0;
const row = (name: string, times: number[]) =>
  `${name.padEnd(34)}${at(times, 0.5).toFixed(1).padStart(9)}${at(times, 0.99).toFixed(1).padStart(9)}${at(times, 0.999).toFixed(1).padStart(9)}\n`;
process.stdout.write(
  `${FOLLOWS} follows, in milliseconds             p50      p99      max\n` +
    row('follow to subscriber elsewhere', events) +
    row('one call of the sandbox', calls),
);
told.gateway.destroy();
other.gateway.destroy();
await sandbox.close();
await redis.close();
process.exit(at(events, 0.999) < 1000 ? 0 : 1);
