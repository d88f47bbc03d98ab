// How long visitors wait when they come at a fixed rate: the gateway beside the bare server, and, with an upstream that
// takes 20 ms, beside the bare proxy.
import { type Candidate, inTurn, keepPace, leave, target } from '../measuring/load.ts';
import { openMissHouse } from '../measuring/miss-house.ts';
import { median, quantile } from '../measuring/statistics.ts';
import { table } from '../measuring/table.ts';
import { openWarmHouse } from '../measuring/warm-house.ts';
import type { Plan, Section } from './part.ts';

const PER_SECOND = 300;
const LATENCY_MS = 20;
/** Enough for all who wait at the same time. */
const CONNECTIONS = 64;

type Situation = { name: string; base: string; promise: string; candidates: readonly Candidate[] };

export async function pace({ quick }: Plan): Promise<Section> {
  const times = { rounds: quick ? 3 : 15, warmUp: quick ? 1000 : 10_000, roundMs: quick ? 1500 : 3000 };
  const rows: string[][] = [];

  const warm = await openWarmHouse(['gateway', 'bare node:http'], { users: quick ? 60 : 300, sizes: [20] });
  const candidates = warm.candidates(20);
  rows.push(...(await measure({ name: 'warm', base: 'bare node:http', promise: 'p99 + 3', candidates }, times)));
  await warm.assertWarm();
  await warm.close();

  const missing = await openMissHouse({ latencyMs: LATENCY_MS });
  const [gateway, proxy] = (await missing.candidates('20 edges of a page of 20')) as [Candidate, Candidate];
  const slow = { name: `miss, ${LATENCY_MS} ms`, base: proxy.name, candidates: [gateway, proxy] };
  rows.push(...(await measure({ ...slow, promise: 'p50 + 1.5' }, times)));
  await missing.assertMissed();
  await missing.close();

  const how =
    `${PER_SECOND} requests a second for 20 edges, sent on a schedule whether or not earlier ones are answered; ` +
    `milliseconds from when a request was due until its answer was there; ${times.rounds} rounds of ` +
    `${times.roundMs / 1000} s each in turn. Each figure is the median of the rounds’ own. On two cores the load ` +
    'itself, and whatever else runs, is part of p99: read the difference.';
  return { title: 'Waiting at a fixed rate', lines: [how, '', ...table(HEAD, rows)] };
}

const HEAD = ['', 'p50 ms', 'p99 ms', 'p50 added', 'p99 added', 'at most'];

type Times = { rounds: number; warmUp: number; roundMs: number };

async function measure({ name, base, promise, candidates }: Situation, { rounds, warmUp, roundMs }: Times) {
  const targets = candidates.map((candidate) => target(candidate, CONNECTIONS));
  const measured = await inTurn(targets, { rounds, warmUp, measure: (to) => keepPace(to, PER_SECOND, roundMs) });
  for (const to of targets) leave(to);
  const at = (who: string, share: number) => median((measured.get(who) ?? []).map((waits) => quantile(waits, share)));
  return candidates.map(({ name: who }) => {
    const [p50, p99] = [at(who, 0.5), at(who, 0.99)];
    const added = [p50 - at(base, 0.5), p99 - at(base, 0.99)];
    const more = who === base ? ['', '', ''] : [...added.map((ms) => ms.toFixed(2)), promise];
    return [`${name}: ${who}`, p50.toFixed(2), p99.toFixed(2), ...more];
  });
}
