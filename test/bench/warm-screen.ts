// The commonest screen, 20 fans out of a warm cache, beside a bare node:http server that sends the very same bytes; and
// the gateway with Redis beside the one without, since a warm answer must not cost more for having it.
//
//   npm run bench
//
// Both run as processes of their own. Short rounds alternate between them, so that whatever else this machine does
// hits all alike; what counts is the CPU time that a server uses per request, and the ratio within each round.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { arch, cpus, platform, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import { startRedisProcess } from '../support/redis-process.ts';

const CONNECTIONS = 16;
const USERS = 300;
const ROUNDS = 9;
const ROUND_MS = 1000;
const QUERY = `query Fans($id: ID!) {
  user(id: $id) {
    fans(first: 20) {
      edges { cursor followedAt node { id nick avatar } }
      pageInfo { hasNextPage endCursor }
    }
  }
}`;

type Server = { process: ChildProcess; said: string; url: string; cpuMs(): Promise<number> };
type Candidate = { name: string; server: Server; pool: Pool; path: string };
type Measure = { perSecond: number; cpuMicros: number };

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const settings = {
  NODE_ENV: 'development',
  PORT: '0',
  // The rounds last longer than a page is fresh by default.
  LIST_FRESH_SECONDS: '3600',
  CACHE_MEMORY_MB: '512',
};
const redis = await startRedisProcess();
const gateway = await startServer(here('../../src/main.ts'), settings);
const withRedis = await startServer(here('../../src/main.ts'), { ...settings, REDIS_URL: redis.url });
const bare = await startServer(here('./bare-server.ts'), {});
const candidates: Candidate[] = [
  { name: 'gateway', server: gateway, path: '/graphql' },
  { name: 'gateway with Redis', server: withRedis, path: '/graphql' },
  { name: 'bare node:http', server: bare, path: '/graphql' },
  { name: 'bare node:http, stored bytes', server: bare, path: '/stored' },
].map((candidate) => ({
  ...candidate,
  pool: new Pool(new URL(candidate.server.url).origin, { connections: CONNECTIONS, pipelining: 1 }),
}));

const answers = await learnAnswers();
const requests = [...answers.keys()].map((id) => JSON.stringify({ query: QUERY, variables: { id } }));
const expected = [...answers.values()];
await checkAnswers();

// Long enough for both to be compiled, before anything counts.
for (const candidate of candidates) await load(candidate, 1.5 * ROUND_MS);
const callsBefore = await countUpstreamCalls();
const measures = new Map(candidates.map(({ name }) => [name, [] as Measure[]]));
for (let round = 0; round < ROUNDS; round++) {
  for (const candidate of candidates) measures.get(candidate.name)?.push(await load(candidate, ROUND_MS));
}
await checkAnswers();
if ((await countUpstreamCalls()) !== callsBefore) throw new Error('The cache was not warm: the upstream was asked.');
report();
for (const { pool } of candidates) await pool.destroy();
for (const { process } of [gateway, withRedis, bare]) process.kill('SIGKILL');
await redis.close();

async function startServer(script: string, env: Record<string, string>): Promise<Server> {
  const child = spawn(process.execPath, ['--import', here('./report-cpu.ts'), script], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error(`${script} ended without telling its address:\n${said}`)));
    // Read to the end: its log lines are written as in production, and go nowhere.
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < 4096) said += text;
      const [found] = /http:\S+\/graphql/.exec(said) ?? [];
      if (found) resolve(found);
    });
  });
  return { process: child, said, url, cpuMs: () => cpuMsOf(child) };
}

async function cpuMsOf(child: ChildProcess): Promise<number> {
  child.send('cpu');
  const [{ user, system }] = (await once(child, 'message')) as [NodeJS.CpuUsage];
  return (user + system) / 1000;
}

/** Asks the gateway for the screens of people who have 20 fans and more, and teaches the bare server its answers. */
async function learnAnswers(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (let number = 1; found.size < USERS; number++) {
    if (number > 5 * USERS) throw new Error(`There are not ${USERS} users with a full page of fans.`);
    const id = `user_${String(number).padStart(5, '0')}`;
    const answer = await ask(gateway.url, { query: QUERY, variables: { id } });
    const { data, errors } = JSON.parse(answer);
    if (errors) throw new Error(`The gateway failed: ${answer}`);
    const { edges, pageInfo } = data.user.fans;
    if (edges.length < 20) continue;
    if (!edges.every((edge: { node: { nick: unknown } }) => typeof edge.node.nick === 'string'))
      throw new Error(`A fan has no name: ${answer}`);
    if (pageInfo.endCursor !== edges.at(-1).cursor) throw new Error(`The end cursor is not the last one: ${answer}`);
    found.set(id, answer);
    await ask(bare.url, { query: QUERY, variables: { id, answer } });
  }
  return found;
}

async function checkAnswers() {
  for (const { name, server, path } of candidates) {
    for (const [id, answer] of answers) {
      const url = new URL(path, server.url).href;
      if ((await ask(url, { query: QUERY, variables: { id } })) !== answer)
        throw new Error(`${name} answers wrongly for ${id}`);
    }
  }
}

async function countUpstreamCalls(): Promise<number> {
  const [, sandbox] = /SANDBOX at (http:[\w./:]+\d)/.exec(gateway.said) ?? [];
  const { commands } = (await (await fetch(`${sandbox}/sandbox/calls`)).json()) as {
    commands: Record<string, { received: number }>;
  };
  return Object.values(commands).reduce((sum, { received }) => sum + received, 0);
}

async function ask(url: string, body: object): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response.text();
}

/** Every connection asks for one screen after another for a while. */
async function load({ name, server, pool, path }: Candidate, ms: number): Promise<Measure> {
  let asked = 0;
  const headers = { 'content-type': 'application/json' };
  const cpuBefore = await server.cpuMs();
  const startedAt = performance.now();
  const visitor = async () => {
    while (performance.now() - startedAt < ms) {
      const turn = asked++ % requests.length;
      const response = await pool.request({ method: 'POST', path, headers, body: requests[turn] });
      const { byteLength } = await response.body.arrayBuffer();
      if (response.statusCode !== 200 || byteLength !== Buffer.byteLength(expected[turn] as string))
        throw new Error(`${name} answered wrongly under load: ${response.statusCode}, ${byteLength} bytes`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, visitor));
  const seconds = (performance.now() - startedAt) / 1000;
  const cpuMs = (await server.cpuMs()) - cpuBefore;
  return { perSecond: asked / seconds, cpuMicros: (cpuMs * 1000) / asked };
}

function report() {
  const { model } = cpus()[0] ?? { model: 'unknown processor' };
  const bytes = quantile(
    expected.map((answer) => Buffer.byteLength(answer)),
    0.5,
  );
  const lines = [
    `20 fans from a warm cache: ${USERS} users in turn, ${bytes} bytes an answer, ${CONNECTIONS} connections, ` +
      `${ROUNDS} rounds of ${ROUND_MS / 1000} s each in turn`,
    `${new Date().toISOString()}, Node ${process.version}, ${cpus().length} × ${model}, ${platform()} ${release()} ${arch()}`,
    '',
    `${''.padEnd(30)}${'requests/s'.padStart(12)}${'CPU µs/request'.padStart(17)}`,
    ...candidates.map(({ name }) => {
      const rounds = measures.get(name) ?? [];
      const perSecond = quantile(
        rounds.map((round) => round.perSecond),
        0.5,
      );
      const cpuMicros = quantile(
        rounds.map((round) => round.cpuMicros),
        0.5,
      );
      return `${name.padEnd(30)}${perSecond.toFixed(0).padStart(12)}${cpuMicros.toFixed(0).padStart(17)}`;
    }),
    '',
    ...candidates.slice(1).map(({ name }) => {
      const ratios = ratiosTo(name);
      return `requests per CPU second, ${name} = 1: gateway ${quantile(ratios, 0.5).toFixed(2)} (lower quartile ${quantile(ratios, 0.25).toFixed(2)})`;
    }),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** The gateway's requests per CPU time as a share of the other's, round by round. */
function ratiosTo(other: string): number[] {
  const ours = measures.get('gateway') ?? [];
  const theirs = measures.get(other) ?? [];
  return ours.map((round, index) => (theirs[index]?.cpuMicros ?? Number.NaN) / round.cpuMicros);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}
