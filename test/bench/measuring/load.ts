// Load on a server: as much as it takes from some connections, or at a fixed rate whatever it takes.
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { type Answer, type Connection, openConnection } from './connection.ts';
import type { ServerProcess } from './server-process.ts';

export type Candidate = {
  name: string;
  server: ServerProcess;
  /** The bytes of the request with this number, which counts on from round to round. */
  requestOf(turn: number): Buffer;
  /** Cheap enough to be asked under load. */
  isRight(answer: Answer, turn: number): boolean;
};

export type Target = Candidate & { connections: readonly Connection[]; turns: number };

export type Round = { requests: number; perSecond: number; cpuMicros: number };

/** Opens the connections over which a candidate is asked, in one round after another. */
export function target(candidate: Candidate, connections: number): Target {
  const { origin } = candidate.server;
  return { ...candidate, turns: 0, connections: Array.from({ length: connections }, () => openConnection(origin)) };
}

export function leave({ connections }: Target): void {
  for (const connection of connections) connection.close();
}

async function ask(to: Target, connection: Connection): Promise<void> {
  const turn = to.turns++;
  const answer = await connection.send(to.requestOf(turn));
  if (!to.isRight(answer, turn))
    throw new Error(`${to.name} answered wrongly under load: ${answer.status} ${answer.body.toString('utf8', 0, 500)}`);
}

/**
 * Keeps this process awake until it is called off: a server that answers one who sleeps has to wake it, which in a virtual
 * machine costs as much as half an answer, and the slower a server is, the more often its load sleeps.
 */
function stayAwake(): () => void {
  let isOver = false;
  void (async () => {
    while (!isOver) await setImmediate();
  })();
  return () => {
    isOver = true;
  };
}

/** Every connection asks for one screen after another for a while; `sleeps` leaves to others the core that it would keep. */
export async function saturate(to: Target, ms: number, { sleeps = false } = {}): Promise<Round> {
  const turnsBefore = to.turns;
  const cpuBefore = await to.server.cpuMicros();
  const startedAt = performance.now();
  const visitor = async (connection: Connection) => {
    while (performance.now() - startedAt < ms) await ask(to, connection);
  };
  const sleep = sleeps ? () => {} : stayAwake();
  await Promise.all(to.connections.map(visitor));
  sleep();
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = (await to.server.cpuMicros()) - cpuBefore;
  const requests = to.turns - turnsBefore;
  return { requests, perSecond: requests / seconds, cpuMicros: cpu / requests };
}

/** So many requests over all connections. */
export async function askTimes(to: Target, times: number): Promise<void> {
  const last = to.turns + times;
  const visitor = async (connection: Connection) => {
    while (to.turns < last) await ask(to, connection);
  };
  await Promise.all(to.connections.map(visitor));
}

/** How much earlier than a request is due the loop stops to sleep: timers are late by as much. */
const WATCHFUL_MS = 2;

/**
 * Sends requests on a schedule, as visitors come who know nothing of each other. Answers with the milliseconds of each,
 * from when it was due: what waits because others are slow has waited.
 */
export async function keepPace(to: Target, perSecond: number, ms: number): Promise<number[]> {
  const idle = [...to.connections];
  const times: number[] = [];
  const asked: Promise<void>[] = [];
  const waiting: number[] = [];
  const startedAt = performance.now();

  async function send(connection: Connection, dueAt: number): Promise<void> {
    await ask(to, connection);
    times.push(performance.now() - dueAt);
    const next = waiting.shift();
    if (next !== undefined) return send(connection, next);
    idle.push(connection);
  }

  const count = Math.floor((ms / 1000) * perSecond);
  for (let number = 0; number < count; number++) {
    const dueAt = startedAt + (number * 1000) / perSecond;
    for (let now = performance.now(); now < dueAt; now = performance.now())
      await (dueAt - now > WATCHFUL_MS ? delay(dueAt - now - WATCHFUL_MS) : setImmediate());
    const connection = idle.pop();
    if (connection) asked.push(send(connection, dueAt));
    else waiting.push(dueAt);
  }
  await Promise.all(asked);
  return times;
}

/**
 * Rounds of all candidates in turn, so that whatever else this machine does hits all alike. Before, each gets as many
 * requests to warm up with: as much code is compiled then in a slow one as in a fast one.
 */
export async function inTurn<Result>(
  targets: readonly Target[],
  { rounds, warmUp, measure }: { rounds: number; warmUp: number; measure(to: Target): Promise<Result> },
): Promise<Map<string, Result[]>> {
  for (const to of targets) await askTimes(to, warmUp);
  const results = new Map(targets.map(({ name }) => [name, [] as Result[]]));
  for (let round = 0; round < rounds; round++)
    for (const to of round % 2 === 0 ? targets : targets.toReversed()) results.get(to.name)?.push(await measure(to));
  return results;
}
