// Open-loop load: requests leave when they are due, whatever became of earlier ones, as clients come who know nothing of
// each other. Time counts from when a request was due.
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { type Answer, openPool } from './connection.ts';

/** One request: when it is due, in milliseconds since the start, its bytes, and its end (null: no answer). */
export type Arrival = { at: number; bytes: Buffer; end(answer: Answer | null, tookMs: number): void };

const WATCHFUL_MS = 2;
/** How long answers are waited for after the last request. */
const LAST_WAIT_MS = 12_000;

/**
 * Sends everything in `arrivals` (in order of time) over as many connections as that takes. Returns how late requests left,
 * in milliseconds, and the CPU time of this process as a share of one core: the load's own share of the times.
 * `shouldStop` ends the load early. Precise requests leave exactly on time at the price of a busy core, others within about
 * a millisecond.
 */
export async function sendOnTime(
  origin: string,
  arrivals: Iterable<Arrival>,
  { shouldStop = () => false, isPrecise = false },
) {
  const pool = openPool(origin);
  const lateness: number[] = [];
  let open = 0;
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const now = () => performance.now() - startedAt;

  function send({ at, bytes, end }: Arrival): void {
    open++;
    lateness.push(now() - at);
    const finish = (answer: Answer | null) => {
      open--;
      end(answer, now() - at);
    };
    pool.send(bytes).then(finish, () => finish(null));
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
  while (open > 0 && now() - lastAt < LAST_WAIT_MS && !shouldStop()) await delay(10);
  pool.close();
  return { lateness, cores };
}
