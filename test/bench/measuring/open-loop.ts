// Open-loop load: requests leave when they are due, whatever became of earlier ones, as clients come who know nothing of
// each other. Time counts from when a request was due.
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { type Answer, type Connection, openConnection } from './connection.ts';

/** One request: when it is due, in milliseconds since the start, its bytes, and who hears of its end (null: no answer). */
export type Arrival = { at: number; bytes: Buffer; end(answer: Answer | null, tookMs: number): void };

export type Load = {
  /** How late requests left, in milliseconds: the load's own share of the times. */
  lateness: number[];
  /** CPU time of this process, as a share of one core. */
  cores: number;
};

type Options = {
  /** Ends the load early. */
  shouldStop?: () => boolean;
  /** Leaves exactly on time at the price of a busy core; otherwise within about a millisecond. */
  isPrecise?: boolean;
  /** How long answers are waited for after the last request. */
  patienceMs?: number;
};

const WATCHFUL_MS = 2;

/** Sends everything in `arrivals` (in order of time) over as many connections as that takes. */
export async function sendOnTime(origin: string, arrivals: Iterable<Arrival>, options: Options = {}): Promise<Load> {
  const { shouldStop = () => false, isPrecise = false, patienceMs = 12_000 } = options;
  const idle: Connection[] = [];
  const all: Connection[] = [];
  const lateness: number[] = [];
  let open = 0;
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const now = () => performance.now() - startedAt;

  function openAnother(): Connection {
    const connection = openConnection(origin);
    all.push(connection);
    return connection;
  }

  function send({ at, bytes, end }: Arrival): void {
    const connection = idle.pop() ?? openAnother();
    open++;
    lateness.push(now() - at);
    const finish = (answer: Answer | null) => {
      open--;
      idle.push(connection);
      end(answer, now() - at);
    };
    connection.send(bytes).then(finish, () => finish(null));
  }

  for (const arrival of arrivals) {
    for (let left = arrival.at - now(); left > 0; left = arrival.at - now())
      if (!isPrecise) await delay(Math.max(1, Math.floor(left)));
      else await (left > WATCHFUL_MS ? delay(left - WATCHFUL_MS) : setImmediate());
    if (shouldStop()) break;
    send(arrival);
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  const cores = (user + system) / 1000 / now();
  const lastAt = now();
  while (open > 0 && now() - lastAt < patienceMs && !shouldStop()) await delay(10);
  for (const connection of all) connection.close();
  return { lateness, cores };
}
