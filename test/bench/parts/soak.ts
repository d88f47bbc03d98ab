// What a gateway holds after very many requests: the same ones, as many different operations, as many different users.
import { postOf } from '../measuring/connection.ts';
import { startGateway, startUpstream } from '../measuring/gateway.ts';
import { askTimes, type Candidate, leave, type Target, target } from '../measuring/load.ts';
import { learn, manyOf, QUERY, requestOf } from '../measuring/screen.ts';
import type { ServerProcess } from '../measuring/server-process.ts';
import { mean } from '../measuring/statistics.ts';
import { table } from '../measuring/table.ts';
import type { Section } from './part.ts';

const CONNECTIONS = 16;
const USERS = 100;
const SIZE = 20;
const SAMPLES = 200;
const FRESH = { LIST_FRESH_SECONDS: '86400', LIST_STALE_SECONDS: '86400' };

export type SoakPlan = { requests: number; different: number };

/** Sends warm requests, twice as many as it measures, and afterwards operations and users that never come again. */
export async function soak({ requests, different }: SoakPlan): Promise<Section> {
  const upstream = await startUpstream();
  const server = await startGateway(upstream, FRESH);
  await learn(server.origin, USERS, [SIZE]);
  const startedAt = performance.now();
  const samples = await sampleWarm(server, requests);
  const minutes = (performance.now() - startedAt) / 60_000;

  const holdings = [await holdingOf(server, 'after the warm requests')];
  const kinds = {
    operations: (turn: number) => otherOperation(server, turn),
    // Further on than any user who was asked for before.
    users: (turn: number) => requestOf(server.origin, { id: manyOf(USERS + turn), first: SIZE }),
  };
  for (const [kind, make] of Object.entries(kinds)) {
    const to = target({ name: kind, server, requestOf: make, isRight: ({ status }) => status === 200 }, CONNECTIONS);
    for (const part of [0.5, 1]) {
      await askTimes(to, different / 2);
      holdings.push(await holdingOf(server, `after ${different * part} different ${kind}`));
    }
    leave(to);
  }
  await Promise.all([server.stop(), upstream.stop()]);
  const how =
    `${requests} requests for ${SIZE} edges of ${USERS} users from a warm cache, behind as many that are not measured, ` +
    `which took ${minutes.toFixed(1)} minutes together: so long V8 takes to find how much garbage it lets lie; ` +
    `memory as the process tells it, ${SAMPLES} times, without a collection of garbage. Growth is the mean of the last ` +
    'quarter over the mean of the second. The default settings of the cache (64 MB).';
  const bounds = `Afterwards, each ${different} once; heap after collections of garbage, the memory tier as the metrics tell it:`;
  return { title: 'Soak', lines: [how, '', ...growth(samples), '', bounds, '', ...table(HOLDING_HEAD, holdings)] };
}

async function sampleWarm(server: ServerProcess, requests: number): Promise<NodeJS.MemoryUsage[]> {
  const made = Array.from({ length: USERS }, (_, n) => requestOf(server.origin, { id: manyOf(n), first: SIZE }));
  const candidate: Candidate = {
    name: 'gateway',
    server,
    requestOf: (turn) => made[turn % USERS] as Buffer,
    isRight: ({ status, body }) => status === 200 && body.byteLength > SIZE * 100,
  };
  const to: Target = target(candidate, CONNECTIONS);
  await askTimes(to, requests);
  const samples: NodeJS.MemoryUsage[] = [];
  while (samples.length < SAMPLES) {
    await askTimes(to, Math.ceil(requests / SAMPLES));
    samples.push(await server.memory());
  }
  leave(to);
  return samples;
}

/** The same screen under a name that nothing else has. */
function otherOperation({ origin }: ServerProcess, turn: number): Buffer {
  const query = QUERY.replace('user(', `user${turn}: user(`);
  return postOf(origin, '/graphql', { query, variables: { id: manyOf(turn % USERS), first: SIZE } });
}

const MEGABYTE = 1024 * 1024;
const megabytes = (bytes: number) => (bytes / MEGABYTE).toFixed(1);

function growth(samples: readonly NodeJS.MemoryUsage[]): string[] {
  const quarter = samples.length / 4;
  const rows = (['rss', 'heapUsed'] as const).map((name) => {
    const of = (from: number) => mean(samples.slice(from * quarter, (from + 1) * quarter).map((usage) => usage[name]));
    return [name, megabytes(of(1)), megabytes(of(3)), (of(3) / of(1)).toFixed(3)];
  });
  return table(['', 'second quarter, MB', 'last quarter, MB', 'growth'], rows);
}

const HOLDING_HEAD = ['', 'heap MB', 'outside of it MB', 'resident MB', 'memory tier MB'];

async function holdingOf(server: ServerProcess, when: string): Promise<string[]> {
  const { heapUsed, external, rss } = await server.held();
  const cells = [heapUsed, external, rss, await memoryTierOf(server)];
  return [when, ...cells.map(megabytes)];
}

async function memoryTierOf(server: ServerProcess): Promise<number> {
  const [url] = /http:[^\s"]+\/metrics/.exec(server.said()) ?? [];
  if (!url) throw new Error(`The gateway does not say where its metrics are:\n${server.said()}`);
  const page = await (await fetch(url)).text();
  const samples = page.matchAll(/^follow_gateway_memory_bytes\{[^}]*\} (\S+)$/gm);
  return Array.from(samples, ([, bytes]) => Number(bytes)).reduce((sum, bytes) => sum + bytes, 0);
}
