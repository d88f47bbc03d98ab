// What a second worker is worth: two worker processes beside one, as far as a machine shows it that makes the load too.
import { cpus } from 'node:os';
import { openConnection } from '../measuring/connection.ts';
import { type Candidate, inTurn, leave, type Round, saturate, target } from '../measuring/load.ts';
import { cpuOfChildren, withItsTree } from '../measuring/process-tree.ts';
import { ratiosOf } from '../measuring/ratios.ts';
import type { ServerProcess } from '../measuring/server-process.ts';
import { median, quantile } from '../measuring/statistics.ts';
import { table } from '../measuring/table.ts';
import { fansOf, personOf, startOverSandbox } from '../measuring/viewer-screen.ts';
import type { Plan, Section } from './part.ts';

const WORKERS = [1, 2] as const;
/** With viewer state, such a screen takes a gateway ten times what it takes to ask for it and to read it. */
const SIZE = 100;
/** A multiple of what there can be of workers: each gets as many. */
const CONNECTIONS = 24;

type WithLoad = Round & { loadMicros: number };

export async function workers({ quick }: Plan): Promise<Section> {
  const users = quick ? 25 : 100;
  const times = { rounds: quick ? 5 : 11, warmUp: quick ? 3000 : 20_000, roundMs: quick ? 1000 : 3000 };
  const servers: ServerProcess[] = [];
  const candidates: Candidate[] = [];
  for (const count of WORKERS) {
    const server = withItsTree(await startOverSandbox({ WORKERS: String(count) }));
    servers.push(server);
    candidates.push(await candidateOf(`WORKERS=${count}`, server, users));
  }

  const targets = candidates.map((candidate) => target(candidate, CONNECTIONS));
  const measure = async (to: (typeof targets)[number]): Promise<WithLoad> => {
    const before = process.cpuUsage();
    const round = await saturate(to, times.roundMs, { sleeps: true });
    const { user, system } = process.cpuUsage(before);
    return { ...round, loadMicros: (user + system) / round.requests };
  };
  const measured = await inTurn(targets, { ...times, measure });
  for (const to of targets) leave(to);
  const shares = servers.map(cpuOfChildren);
  await Promise.all(servers.map((server) => server.stop()));

  const how =
    `Pages of ${SIZE} edges with viewer state from a warm cache, ${CONNECTIONS} connections, ${times.rounds} rounds of ` +
    `${times.roundMs / 1000} s each in turn. CPU time is that of the whole process tree, primary included. The load comes ` +
    `from a process of its own on the same ${cpus().length} cores, which is why the screen is one that takes a gateway ` +
    'much more than its load: what the load takes is missing where two workers could use both cores. The share of the ' +
    'cores that was busy shows what was left to gain, and the last column what the CPU time of a request allows on as ' +
    'many cores as there are workers and nothing else.';
  return { title: 'Workers', lines: [how, '', ...report(measured), '', ...evenness(shares)] };
}

/** Every worker has a cache of its own: each page is asked for until all must have it. */
async function candidateOf(name: string, server: ServerProcess, users: number): Promise<Candidate> {
  const requests = Array.from({ length: users }, (_, n) => fansOf(server.origin, personOf(n), SIZE, 'viewer'));
  const lengths: number[] = [];
  for (let n = 0; n < CONNECTIONS; n++) {
    const connection = openConnection(server.origin);
    for (const [turn, request] of requests.entries()) {
      const { status, body } = await connection.send(request);
      if (status !== 200 || body.includes('"errors"')) throw new Error(`${name} fails: ${status} ${body}`);
      lengths[turn] = body.byteLength;
    }
    connection.close();
  }
  return {
    name,
    server,
    requestOf: (turn) => requests[turn % requests.length] as Buffer,
    isRight: ({ status, body }, turn) => status === 200 && body.byteLength === lengths[turn % lengths.length],
  };
}

const HEAD = ['', 'requests/s', 'times', 'lower quartile', 'CPU µs each', 'load’s own', 'cores busy', 'times, by CPU'];

function report(measured: ReadonlyMap<string, WithLoad[]>): string[] {
  const one = measured.get('WORKERS=1') ?? [];
  const rows = Array.from(measured, ([name, rounds], index) => {
    const times = rounds.map(({ perSecond }, round) => perSecond / (one[round]?.perSecond ?? Number.NaN));
    const byCpu = median(ratiosOf(one, rounds)) * (WORKERS[index] ?? Number.NaN);
    const busy = rounds.map((round) => (round.perSecond * (round.cpuMicros + round.loadMicros)) / 1e6);
    return [
      name,
      median(rounds.map(({ perSecond }) => perSecond)).toFixed(0),
      median(times).toFixed(2),
      quantile(times, 0.25).toFixed(2),
      median(rounds.map(({ cpuMicros }) => cpuMicros)).toFixed(0),
      median(rounds.map(({ loadMicros }) => loadMicros)).toFixed(0),
      `${median(busy).toFixed(2)} of ${cpus().length}`,
      byCpu.toFixed(2),
    ];
  });
  return table(HEAD, rows);
}

function evenness(shares: readonly number[][]): string[] {
  const [least, most] = [Math.min(...(shares[1] ?? [])), Math.max(...(shares[1] ?? []))];
  return [`Of two workers, the one with less to do used ${(least / most).toFixed(2)} of the CPU time of the other.`];
}
