// The screen of users who are not in memory, from an upstream that answers at once: the gateway beside a bare proxy.
import { postOf } from '../measuring/connection.ts';
import { type Candidate, COMPARED, compare, inTurn, type Round, saturate } from '../measuring/load.ts';
import { type Section, table } from '../measuring/results.ts';
import { SIZES, screenBody } from '../measuring/screen.ts';
import { ALL_FEATURES, FEATURES, startGateway, startServer, startUpstream } from '../measuring/servers.ts';
import { userOf } from '../reference/world.ts';

let nextUser = 2_000_000;

/** A gateway and a proxy in front of one upstream, and requests for users who were never asked for. */
export async function startMissing(latencyMs: number) {
  const upstream = await startUpstream({ latencyMs });
  const gateway = await startGateway(upstream, ALL_FEATURES);
  const proxy = await startServer('peers/proxy.ts', { UPSTREAM: upstream.origin });
  let asked = 0;
  const callsBefore = await upstream.totalCalls();
  const candidateOf = (name: string, server: Candidate['server'], first: number): Candidate => ({
    name,
    server,
    requestOf() {
      asked++;
      return postOf(screenBody(userOf(nextUser++), first));
    },
    isRight: ({ status, body }) => status === 200 && body.byteLength > first * 100 && !body.includes('"errors"'),
  });
  return {
    candidates: (first: number) => [candidateOf('gateway', gateway, first), candidateOf('bare proxy', proxy, first)],
    /** Throws unless every request made one call. */
    async check(): Promise<void> {
      const calls = (await upstream.totalCalls()) - callsBefore;
      if (calls !== asked) throw new Error(`${asked} requests made ${calls} upstream calls.`);
    },
  };
}

export async function miss(quick: boolean): Promise<Section> {
  const missing = await startMissing(0);
  const rounds = quick ? 5 : 15;
  const rows: string[][] = [];
  for (const first of SIZES) {
    const measure = saturate(quick ? 200 : 500);
    const measured = await inTurn(missing.candidates(first), { rounds, warmUp: quick ? 1000 : 10_000, measure });
    const base = measured.get('bare proxy') as Round[];
    for (const [name, its] of measured)
      rows.push([`${first} edges: ${name}`, ...compare(its, base), name === 'gateway' ? '≥ 0.5' : '']);
  }
  await missing.check();
  const how =
    'Every request is for a user who was never asked for, so each is one upstream call, for 100 members; 16 connections, ' +
    `${rounds} rounds in turn. The proxy parses, shapes and stringifies. The gateway has ${FEATURES}.`;
  return { title: 'Miss', how, lines: table(['', ...COMPARED, 'proxy = 1', 'aim'], rows) };
}
