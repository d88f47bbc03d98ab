// What a junk webhook costs beside a warm query: refused by its address alone, it must take less than a quarter of the
// CPU time.
//
//   node test/bench/webhook.ts
//
// One gateway, as a process of its own; short rounds alternate, so that whatever else this machine does hits all alike.
import { cpus } from 'node:os';
import { Pool } from 'undici';
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { signWebhook } from '../../src/sandbox/webhooks.ts';
import { GATEWAY, startServer } from './measuring/server-process.ts';
import { median } from './measuring/statistics.ts';

const CONNECTIONS = 16;
const USERS = 100;
const ROUNDS = 9;
const ROUND_MS = 1000;
const MOST_SHARE = 0.25;
const TOKEN = 'demo-callback-token-001';
const PATH = '/hooks/follow';
const QUERY = `query Fans($id: ID!) {
  user(id: $id) { fans(first: 20) { edges { cursor followedAt node { id nick avatar } } pageInfo { hasNextPage endCursor } } }
}`;

type Request = { method: 'POST' | 'GET'; path: string; body?: string };
type Candidate = { name: string; status: number; next(turn: number): Request };

const gateway = await startServer(GATEWAY, {
  env: {
    PORT: '0',
    WEBHOOK_TOKEN: TOKEN,
    WEBHOOK_PATH: PATH,
    // The rounds last longer than a page is fresh by default.
    LIST_FRESH_SECONDS: '3600',
  },
});
const pool = new Pool(gateway.origin, { connections: CONNECTIONS, pipelining: 1 });

/** The upstream's own address and body, but for what makes it junk. */
function webhook(turn: number, forged: { unsigned?: boolean; padding?: number }): Request {
  const requestTime = String(Math.floor(Date.now() / 1000));
  const query = new URLSearchParams({
    SdkAppid: String(SANDBOX_APP.sdkAppId),
    CallbackCommand: 'Follow.CallbackAfterFollowAdd',
    contenttype: 'json',
    ClientIP: '127.0.0.1',
    OptPlatform: 'iOS',
  });
  if (!forged.unsigned) {
    query.set('Sign', signWebhook(`not ${TOKEN}`, requestTime));
    query.set('RequestTime', requestTime);
  }
  const body = {
    CallbackCommand: 'Follow.CallbackAfterFollowAdd',
    From_Account: idOf(turn),
    FollowList: [{ To_Account: 'UserID_001' }],
    EventTime: Date.now(),
    ...(forged.padding && { padding: 'x'.repeat(forged.padding) }),
  };
  return { method: 'POST', path: `${PATH}?${query}`, body: JSON.stringify(body) };
}

const idOf = (turn: number) => `user_${String((turn % USERS) + 1).padStart(5, '0')}`;
const warm = (turn: number): Request => ({
  method: 'POST',
  path: '/graphql',
  body: JSON.stringify({ query: QUERY, variables: { id: idOf(turn) } }),
});
const candidates: Candidate[] = [
  { name: 'warm query, 20 fans', status: 200, next: warm },
  { name: 'wrong Sign', status: 403, next: (turn) => webhook(turn, {}) },
  { name: 'no Sign', status: 403, next: (turn) => webhook(turn, { unsigned: true }) },
  {
    name: 'wrong Sign, body of 32 KB',
    status: 403,
    next: (t) => webhook(t, { padding: 32e3 }),
  },
  { name: 'GET', status: 405, next: () => ({ method: 'GET', path: PATH }) },
];

const measures = new Map(candidates.map(({ name }) => [name, [] as number[]]));
for (let turn = 0; turn < USERS; turn++) await send(warm(turn), 200);
// Long enough for all to be compiled, before anything counts.
for (const candidate of candidates) await load(candidate);
for (let round = 0; round < ROUNDS; round++) {
  for (const candidate of candidates) measures.get(candidate.name)?.push(await load(candidate));
}
const isCheap = report();
await pool.destroy();
await gateway.stop();
process.exitCode = isCheap ? 0 : 1;

async function send({ method, path, body }: Request, status: number): Promise<void> {
  const answer = await pool.request({ method, path, body, headers: { 'content-type': 'application/json' } });
  const text = await answer.body.text();
  if (answer.statusCode !== status) throw new Error(`${path} was answered ${answer.statusCode}: ${text}`);
}

/** Microseconds of the gateway's CPU time for each request of a round. */
async function load({ next, status }: Candidate): Promise<number> {
  let sent = 0;
  const before = await gateway.cpuMicros();
  const startedAt = performance.now();
  const visitor = async () => {
    while (performance.now() - startedAt < ROUND_MS) await send(next(sent++), status);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, visitor));
  return ((await gateway.cpuMicros()) - before) / sent;
}

/** Prints the table; answers whether all junk is cheap enough. */
function report(): boolean {
  const [{ name: query }] = candidates as [Candidate];
  const warmRounds = measures.get(query) ?? [];
  let isCheap = true;
  const lines = candidates.map(({ name }, index) => {
    const rounds = measures.get(name) ?? [];
    const share = median(rounds.map((micros, round) => micros / (warmRounds[round] ?? Number.NaN)));
    if (index > 0 && !(share < MOST_SHARE)) isCheap = false;
    return `${name.padEnd(30)}${median(rounds).toFixed(0).padStart(12)}${share.toFixed(2).padStart(24)}`;
  });
  const { model } = cpus()[0] ?? { model: 'unknown processor' };
  process.stdout.write(
    `${[
      `${new Date().toISOString()}, Node ${process.version}, ${cpus().length} × ${model}, ${ROUNDS} rounds of ${ROUND_MS / 1000} s`,
      '',
      `${''.padEnd(30)}${'CPU µs each'.padStart(12)}${'share of a warm query'.padStart(24)}`,
      ...lines,
      '',
      isCheap ? `All junk takes less than ${MOST_SHARE} of a warm query.` : `Some junk takes ${MOST_SHARE} or more.`,
    ].join('\n')}\n`,
  );
  return isCheap;
}
