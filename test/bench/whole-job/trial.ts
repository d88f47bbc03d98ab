// One server at one rate, from cold.
import type { Answer } from '../measuring/connection.ts';
import { type Arrival, sendOnTime } from '../measuring/open-loop.ts';
import { quantile } from '../measuring/results.ts';
import { startUpstream, stopServers } from '../measuring/servers.ts';
import { createMix } from '../reference/mix.ts';
import { startChanges } from './changes.ts';
import { bytesOf, isRight, learnCursors } from './queries.ts';
import type { Server } from './servers.ts';

type Plan = { rate: number; limit: number; seconds: number };
export type Trial = Awaited<ReturnType<typeof runTrial>>;

const LATENCY_MS = 10;
const MAX_MS = 1000;
const MAX_MISSED_SHARE = 0.01;
/** Above these the load itself is the limit. */
const LATE_MS = 50;
const BUSY_CORES = 0.9;

export async function runTrial(server: Server, { rate, limit, seconds }: Plan) {
  const cursors = await learnCursors(server.start, createMix(rate, seconds));
  const upstream = await startUpstream({ latencyMs: LATENCY_MS, limit });
  const process = await server.start(upstream, limit);
  const changes = startChanges(upstream, server.hasWebhooks ? process.origin : null);
  const cpuBefore = await process.cpuMicros();

  const times: number[] = [];
  let [sent, failed, slow, stale, oldestSeconds, outdated] = [0, 0, 0, 0, 0, 0];
  function* arrivals(): Generator<Arrival> {
    for (const query of createMix(rate, seconds)) {
      sent++;
      const least = query.screen === 'header' ? changes.leastFansOf(query.rank) : 0;
      const end = (answer: Answer | null, tookMs: number) => {
        times.push(tookMs);
        if (tookMs > MAX_MS) slow++;
        const text = answer?.status === 200 ? answer.body.toString('latin1') : '';
        if (!isRight(query, text)) failed++;
        const [, age] = /"oldestAgeSeconds":(\d+)/.exec(text) ?? [];
        if (age !== undefined) stale++;
        oldestSeconds = Math.max(oldestSeconds, Number(age ?? 0));
        if (least > 0 && Number(/"fansCount":(\d+)/.exec(text)?.[1]) < least) outdated++;
      };
      yield { at: query.at, bytes: bytesOf(query, cursors), end };
    }
  }
  const allowed = rate * seconds * MAX_MISSED_SHARE;
  const startedAt = performance.now();
  const load = await sendOnTime(process.origin, arrivals(), { shouldStop: () => Math.max(failed, slow) > allowed });
  const tookSeconds = (performance.now() - startedAt) / 1000;
  changes.stop();
  const cpuMs = ((await process.cpuMicros()) - cpuBefore) / 1000 / sent;
  const { rss } = await process.memory();
  const calls = await upstream.calls();
  await stopServers();

  const missed = failed + sent - times.length;
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => quantile(times, share)) as [number, number, number];
  const all = Object.values(calls);
  const refused = all.reduce((sum, of) => sum + of.refused, 0);
  const received = all.reduce((sum, of) => sum + of.accepted + of.refused, 0);
  const perThousand = (command: string) => {
    const { accepted = 0, refused = 0 } = calls[command] ?? {};
    return (((accepted + refused) / sent) * 1000).toFixed(0);
  };
  const lateMs = quantile(load.lateness, 0.99);
  const isLoadTheLimit = lateMs > LATE_MS || load.cores > BUSY_CORES;
  return {
    rate,
    /** 99 % were answered, and 99 % of those within a second. */
    isKept: missed <= sent * MAX_MISSED_SHARE && p99 < MAX_MS && Math.max(failed, slow) <= allowed,
    /** How long it ran: less than planned when it was lost before. */
    seconds: tookSeconds,
    cells: {
      'queries/s': rate.toFixed(0),
      answered: percent(1 - missed / sent),
      'p50 ms': p50.toFixed(0),
      'p99 ms': p99.toFixed(0),
      'max ms': max.toFixed(0),
      stale: percent(stale / sent),
      'oldest s': String(oldestSeconds),
      follow_get: perThousand('follow_get'),
      follow_get_info: perThousand('follow_get_info'),
      portrait_get: perThousand('portrait_get'),
      follow_check: perThousand('follow_check'),
      refused: percent(refused / received),
      // Of the command that is called most.
      'use of limit': percent(Math.max(...all.map((one) => one.accepted)) / (limit * tookSeconds)),
      // Headers that do not show a change of more than a second ago.
      'late by 1 s': String(outdated),
      'CPU ms': cpuMs.toFixed(2),
      MB: (rss / 2 ** 20).toFixed(0),
      'load late ms': `${lateMs.toFixed(0)}${isLoadTheLimit ? ' (!)' : ''}`,
    },
  };
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
