// One server at one rate, from cold.
import type { Answer } from '../measuring/connection.ts';
import { type Calls, callsOf, startUpstream } from '../measuring/gateway.ts';
import { type Arrival, sendOnTime } from '../measuring/open-loop.ts';
import { quantile } from '../measuring/statistics.ts';
import { createMix } from '../reference/mix.ts';
import { startChanges } from './changes.ts';
import { bytesOf, type Cursors, isRight, learnCursors } from './queries.ts';
import type { Server } from './servers.ts';

export type Plan = { rate: number; limit: number; seconds: number; seed: number };

export type Trial = {
  rate: number;
  /** 99 % were answered, and 99 % of those within a second. */
  isKept: boolean;
  /** How long it ran: less than planned when it was lost before. */
  seconds: number;
  answered: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  /** The share of answers that say they are stale. */
  stale: number;
  /** The age of the oldest of those. */
  oldestSeconds: number;
  /** Headers that did not show a change of more than a second ago. */
  outdated: number;
  /** Upstream calls per 1,000 queries, by command, refused ones included. */
  perThousand: Record<string, number>;
  /** The share of calls that the upstream refused. */
  refused: number;
  /** Accepted calls of the command that is called most, as a share of what the limit allows in that time. */
  use: number;
  /** Of the server process, for each query. */
  cpuMs: number;
  megabytes: number;
  /** How late queries left, p99. */
  loadLateMs: number;
  isLoadTheLimit: boolean;
};

const LATENCY_MS = 10;
const MAX_MS = 1000;
const MAX_MISSED_SHARE = 0.01;
const LATE_MS = 50;
const BUSY_CORES = 0.9;

const cursorsOf = new Map<Server, Cursors>();

export async function runTrial(server: Server, plan: Plan): Promise<Trial> {
  const { rate, limit, seconds, seed } = plan;
  const cursors = await cursorsFor(server, plan);
  const upstream = await startUpstream({ latencyMs: LATENCY_MS, limitPerSecond: limit });
  const process = await server.start(upstream, limit);
  const changes = startChanges(upstream, server.hasWebhooks ? process.origin : null, seed);
  const cpuBefore = await process.cpuMicros();

  const times: number[] = [];
  let [sent, failed, slow, stale, oldestSeconds, outdated] = [0, 0, 0, 0, 0, 0];
  function* arrivals(): Generator<Arrival> {
    for (const query of createMix(seed, rate, seconds)) {
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
      yield { at: query.at, bytes: bytesOf(process.origin, query, cursors), end };
    }
  }
  const allowed = rate * seconds * MAX_MISSED_SHARE;
  const startedAt = performance.now();
  const load = await sendOnTime(process.origin, arrivals(), { shouldStop: () => Math.max(failed, slow) > allowed });
  const tookSeconds = (performance.now() - startedAt) / 1000;
  changes.stop();
  const cpuMs = ((await process.cpuMicros()) - cpuBefore) / 1000 / sent;
  const { rss } = await process.memory();
  const calls = await callsOf(upstream);
  await Promise.all([process.stop(), upstream.stop()]);

  const loadLateMs = quantile(load.lateness, 0.99);
  const unanswered = sent - times.length;
  const [p50Ms, p99Ms, maxMs] = [0.5, 0.99, 1].map((share) => quantile(times, share)) as [number, number, number];
  return {
    rate,
    isKept: failed + unanswered <= sent * MAX_MISSED_SHARE && p99Ms < MAX_MS && Math.max(failed, slow) <= allowed,
    seconds: tookSeconds,
    answered: 1 - (failed + unanswered) / sent,
    p50Ms,
    p99Ms,
    maxMs,
    stale: stale / sent,
    oldestSeconds,
    outdated,
    ...summarize(calls, sent, limit * tookSeconds),
    cpuMs,
    megabytes: rss / 2 ** 20,
    loadLateMs,
    isLoadTheLimit: loadLateMs > LATE_MS || load.cores > BUSY_CORES,
  };
}

function summarize(calls: Calls, queries: number, allowed: number) {
  const all = Object.values(calls);
  const sum = (of: 'accepted' | 'refused') => all.reduce((total, one) => total + one[of], 0);
  return {
    perThousand: Object.fromEntries(
      Object.entries(calls).map(([name, { accepted, refused }]) => [name, ((accepted + refused) / queries) * 1000]),
    ),
    refused: sum('refused') / (sum('accepted') + sum('refused')),
    use: Math.max(...all.map(({ accepted }) => accepted)) / allowed,
  };
}

async function cursorsFor(server: Server, { rate, seconds, seed }: Plan): Promise<Cursors> {
  const cursors = cursorsOf.get(server) ?? new Map();
  cursorsOf.set(server, cursors);
  const upstream = await startUpstream();
  const teacher = await server.start(upstream, 100_000);
  await learnCursors(teacher.origin, createMix(seed, rate, seconds), cursors);
  await Promise.all([teacher.stop(), upstream.stop()]);
  return cursors;
}
