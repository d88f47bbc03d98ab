// What a junk webhook costs beside warm queries: refused by its address alone, it must take less than a quarter of the CPU
// time of a screen with viewer state. Beside the plain list it is shown as well: that takes less than any answer of a bare
// server's, so that no refusal can be much cheaper.
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
const queryOf = (first: number, more: string) => `query Fans($id: ID!) {
  user(id: $id) { fans(first: ${first}) { edges { cursor followedAt node { id nick avatar ${more} } } pageInfo { hasNextPage endCursor } } }
}`;
const WITH_STATE = queryOf(100, 'viewerIsFollowing isFollowingViewer viewerCanFollow');
const PLAIN = queryOf(20, '');
const VIEWER = { 'x-viewer-id': 'user_00500' };

type Request = { method: 'POST' | 'GET'; path: string; body?: string; headers?: Record<string, string> };
type Candidate = { name: string; status: number; next(turn: number): Request };

const gateway = await startServer(GATEWAY, {
  env: {
    PORT: '0',
    WEBHOOK_TOKEN: TOKEN,
    WEBHOOK_PATH: PATH,
    // The rounds last longer than a page is fresh by default.
    LIST_FRESH_SECONDS: '3600',
    RELATION_FRESH_SECONDS: '3600',
    CACHE_MEMORY_MB: '256',
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
const warm =
  (query: string, headers?: Record<string, string>) =>
  (turn: number): Request => ({
    method: 'POST',
    path: '/graphql',
    body: JSON.stringify({ query, variables: { id: idOf(turn) } }),
    ...(headers && { headers }),
  });
const queries: Candidate[] = [
  { name: 'warm, 100 fans, viewer state', status: 200, next: warm(WITH_STATE, VIEWER) },
  { name: 'warm, 20 fans', status: 200, next: warm(PLAIN) },
];
const junk: Candidate[] = [
  { name: 'wrong Sign', status: 403, next: (turn) => webhook(turn, {}) },
  { name: 'no Sign', status: 403, next: (turn) => webhook(turn, { unsigned: true }) },
  {
    name: 'wrong Sign, body of 32 KB',
    status: 403,
    next: (t) => webhook(t, { padding: 32e3 }),
  },
  { name: 'GET', status: 405, next: () => ({ method: 'GET', path: PATH }) },
];
const candidates = [...queries, ...junk];

const measures = new Map(candidates.map(({ name }) => [name, [] as number[]]));
for (const { next } of queries) for (let turn = 0; turn < USERS; turn++) await send(next(turn), 200);
// Long enough for all to be compiled, before anything counts.
for (const candidate of candidates) await load(candidate);
for (let round = 0; round < ROUNDS; round++) {
  for (const candidate of candidates) measures.get(candidate.name)?.push(await load(candidate));
}
const isCheap = report();
await pool.destroy();
await gateway.stop();
process.exitCode = isCheap ? 0 : 1;

async function send({ method, path, body, headers }: Request, status: number): Promise<void> {
  const answer = await pool.request({
    method,
    path,
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
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
  const roundsOf = ({ name }: Candidate) => measures.get(name) ?? [];
  const shareOf = (candidate: Candidate, query: Candidate) =>
    median(roundsOf(candidate).map((micros, round) => micros / (roundsOf(query)[round] ?? Number.NaN)));
  const lines = candidates.map((candidate) => {
    const shares = queries.map((query) => shareOf(candidate, query).toFixed(2).padStart(16));
    return `${candidate.name.padEnd(30)}${median(roundsOf(candidate)).toFixed(0).padStart(12)}${shares.join('')}`;
  });
  const [screen] = queries as [Candidate];
  const isCheap = junk.every((candidate) => shareOf(candidate, screen) < MOST_SHARE);
  const { model } = cpus()[0] ?? { model: 'unknown processor' };
  process.stdout.write(
    `${[
      `${new Date().toISOString()}, Node ${process.version}, ${cpus().length} × ${model}, ${ROUNDS} rounds of ${ROUND_MS / 1000} s`,
      '',
      `${''.padEnd(30)}${'CPU µs each'.padStart(12)}${'of the first'.padStart(16)}${'of the second'.padStart(16)}`,
      ...lines,
      '',
      isCheap
        ? `All junk takes less than ${MOST_SHARE} of a screen with viewer state.`
        : `Some junk takes ${MOST_SHARE} of a screen with viewer state, or more.`,
    ].join('\n')}\n`,
  );
  return isCheap;
}
