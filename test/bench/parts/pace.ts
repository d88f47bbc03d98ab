// How long answers take at a fixed rate: the gateway beside the bare server, and beside the bare proxy for misses.
import { type Candidate, inTurn, type Target } from '../measuring/load.ts';
import { type Arrival, sendOnTime } from '../measuring/open-loop.ts';
import { median, quantile, type Section, table } from '../measuring/results.ts';
import { startGateway, startServer, startUpstream, stopServers, WARM } from '../measuring/servers.ts';
import { startMissing } from './miss.ts';
import { checked } from './warm.ts';

const PER_SECOND = 300;
const LATENCY_MS = 20;

export async function pace(quick: boolean): Promise<Section> {
  const upstream = await startUpstream();
  const gateway = await startGateway(upstream, WARM);
  const bare = await startServer('peers/bare.ts', { GATEWAY: gateway.origin });
  const warm = [await checked('gateway', { server: gateway }, 20), await checked('bare', { server: bare }, 20)];
  const rows = await measure('warm', warm, 'p99 ≤ 3', quick);
  await stopServers();

  const missing = await startMissing(LATENCY_MS);
  rows.push(...(await measure(`miss, ${LATENCY_MS} ms`, missing.candidates(20), 'p50 ≤ 1.5', quick)));
  await missing.check();
  const how =
    `${PER_SECOND} requests a second for 20 edges, sent when they are due; milliseconds from then until the answer; the ` +
    'median of the rounds’ own figures. The load on the same two cores is part of p99: read what is added.';
  return {
    title: 'Waiting at a fixed rate',
    how,
    lines: table(['', 'p50', 'p99', 'p50 added', 'p99 added', 'aim'], rows),
  };
}

/** The gateway comes first, what it is held against second. */
async function measure(title: string, candidates: Candidate[], aim: string, quick: boolean): Promise<string[][]> {
  const measured = await inTurn(candidates, {
    rounds: quick ? 3 : 15,
    warmUp: quick ? 2000 : 10_000,
    measure: (to) => timesOf(to, quick ? 1500 : 3000),
  });
  const figures = Array.from(measured.values(), (rounds) =>
    [0.5, 0.99].map((share) => median(rounds.map((times) => quantile(times, share)))),
  ) as [[number, number], [number, number]];
  const [ours, base] = figures;
  const added = ours.map((ms, index) => (ms - (base[index] as number)).toFixed(2));
  return candidates.map(({ name }, index) => [
    `${title}: ${name}`,
    ...(figures[index] as number[]).map((ms) => ms.toFixed(2)),
    ...(index === 0 ? [...added, aim] : []),
  ]);
}

async function timesOf(to: Target, ms: number): Promise<number[]> {
  const times: number[] = [];
  function* arrivals(): Generator<Arrival> {
    for (let at = 0; at < ms; at += 1000 / PER_SECOND) {
      const turn = to.turns++;
      yield {
        at,
        bytes: to.requestOf(turn),
        end(answer, tookMs) {
          if (!answer || !to.isRight(answer, turn)) throw new Error(`${to.name} answers wrongly: ${answer?.body}`);
          times.push(tookMs);
        },
      };
    }
  }
  await sendOnTime(to.server.origin, arrivals(), { isPrecise: true });
  return times;
}
