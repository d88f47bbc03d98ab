// Closed-loop load: as much as a server takes from some connections, in rounds of all candidates in turn.
import { setImmediate } from 'node:timers/promises';
import { type Answer, openPool, type Pool } from './connection.ts';
import { median, quantile } from './results.ts';
import type { ServerProcess } from './servers.ts';

export type Candidate = {
  name: string;
  server: ServerProcess;
  /** The bytes of the request with this number, which counts on from round to round. */
  requestOf(turn: number): Buffer;
  /** Cheap enough to be asked under load. */
  isRight(answer: Answer, turn: number): boolean;
};
export type Target = Candidate & { pool: Pool; clients: number; turns: number };
export type Round = { perSecond: number; cpuMicros: number };

/** A candidate as it is asked by `clients` at once. */
export function openTarget(candidate: Candidate, clients = 16): Target {
  return { ...candidate, pool: openPool(candidate.server.origin), clients, turns: 0 };
}

/** All clients send one request after another while `goesOn` says so. */
async function askWhile(to: Target, goesOn: () => boolean): Promise<void> {
  const client = async () => {
    while (goesOn()) {
      const turn = to.turns++;
      const answer = await to.pool.send(to.requestOf(turn));
      if (!to.isRight(answer, turn))
        throw new Error(`${to.name} answers wrongly under load: ${answer.status} ${answer.body}`.slice(0, 500));
    }
  };
  await Promise.all(Array.from({ length: to.clients }, client));
}

export function askTimes(to: Target, times: number): Promise<void> {
  const last = to.turns + times;
  return askWhile(to, () => to.turns < last);
}

/** A round in which all clients ask for so long. */
export const saturate =
  (ms: number) =>
  async (to: Target): Promise<Round> => {
    const turnsBefore = to.turns;
    const cpuBefore = await to.server.cpuMicros();
    const startedAt = performance.now();
    let isOver = false;
    // A server that must wake a sleeping client pays for it, and slow servers would pay more often: so the client stays awake.
    const awake = (async () => {
      while (!isOver) await setImmediate();
    })();
    await askWhile(to, () => performance.now() - startedAt < ms);
    isOver = true;
    await awake;
    const requests = to.turns - turnsBefore;
    const cpu = (await to.server.cpuMicros()) - cpuBefore;
    return { perSecond: requests / ((performance.now() - startedAt) / 1000), cpuMicros: cpu / requests };
  };

/** Rounds of all candidates in turn, so that other work of this machine hits all alike, after `warmUp` requests to each. */
export async function inTurn<Result>(
  candidates: readonly Candidate[],
  { rounds, warmUp, measure }: { rounds: number; warmUp: number; measure(to: Target): Promise<Result> },
): Promise<Map<string, Result[]>> {
  const targets = candidates.map((candidate) => openTarget(candidate));
  for (const to of targets) await askTimes(to, warmUp);
  const results = new Map(targets.map(({ name }) => [name, [] as Result[]]));
  for (let round = 0; round < rounds; round++)
    for (const to of round % 2 === 0 ? targets : targets.toReversed()) results.get(to.name)?.push(await measure(to));
  for (const to of targets) to.pool.close();
  return results;
}

export const COMPARED = ['requests/s', 'CPU µs each'];

/** Requests a second, CPU time of each, and the lower quartile of the ratios to each base, taken round by round. */
export function compare(rounds: readonly Round[], ...bases: (readonly Round[])[]): string[] {
  const ratios = (base: readonly Round[]) =>
    rounds.map(({ cpuMicros }, round) => (base[round]?.cpuMicros ?? Number.NaN) / cpuMicros);
  return [
    median(rounds.map(({ perSecond }) => perSecond)).toFixed(0),
    median(rounds.map(({ cpuMicros }) => cpuMicros)).toFixed(0),
    ...bases.map((base) => quantile(ratios(base), 0.25).toFixed(2)),
  ];
}
