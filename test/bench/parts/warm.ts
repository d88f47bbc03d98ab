// The screen from a warm cache, executed, in pages of 20 and of 100: the gateway beside its peers and beside the limit.
import { FEATURES } from '../measuring/gateway.ts';
import { inTurn, leave, type Round, saturate, target } from '../measuring/load.ts';
import { compared, ratiosOf } from '../measuring/ratios.ts';
import { median, quantile } from '../measuring/statistics.ts';
import { table } from '../measuring/table.ts';
import { EVERYBODY, type Name, openWarmHouse, type WarmHouse } from '../measuring/warm-house.ts';
import type { Plan, Section } from './part.ts';

const SIZES = [20, 100] as const;
const CONNECTIONS = 16;
const BASE: Name = 'bare node:http';

/** Requests per CPU second, the bare server's = 1. */
const TARGETS: Partial<Record<Name, Record<number, number>>> = {
  gateway: { 20: 0.7, 100: 0.8 },
  'gateway, trusted document': { 20: 1.3, 100: 3 },
};

export async function warm({ quick }: Plan): Promise<Section> {
  const users = quick ? 60 : 300;
  const rounds = quick ? 5 : 11;
  const roundMs = quick ? 200 : 600;
  const house = await openWarmHouse(EVERYBODY, { users, sizes: SIZES });
  const lines: string[] = [];
  for (const size of SIZES) {
    const measured = await measure(house, size, { rounds, roundMs, warmUp: quick ? 8000 : 40_000 });
    lines.push(`### ${size} edges`, '', ...report(measured, size), '');
  }
  await house.assertWarm();
  await house.close();
  const how =
    `${users} users in turn, ${CONNECTIONS} connections, ${rounds} rounds of ${roundMs / 1000} s each in turn after a warm-up of as many requests for each; ` +
    'every answer is compared with the gateway’s before it counts. Ratios are of requests per CPU second of the server ' +
    `process, within each round. The gateway has ${FEATURES}; its peers have nothing but the pages.`;
  return { title: 'Warm list screen', lines: [how, '', ...lines] };
}

type Times = { rounds: number; roundMs: number; warmUp: number };

async function measure(house: WarmHouse, size: number, { rounds, roundMs, warmUp }: Times) {
  const targets = house.candidates(size).map((candidate) => target(candidate, CONNECTIONS));
  const measured = await inTurn(targets, { rounds, warmUp, measure: (to) => saturate(to, roundMs) });
  for (const to of targets) leave(to);
  return measured;
}

const HEAD = ['', 'requests/s', 'CPU µs each', `${BASE} = 1`, 'lower quartile', 'target'];

function report(measured: ReadonlyMap<string, Round[]>, size: number): string[] {
  const roundsOf = (name: Name) => measured.get(name) ?? [];
  const rows = EVERYBODY.map((name) => {
    const least = TARGETS[name]?.[size];
    const cells = compared(roundsOf(name), ratiosOf(roundsOf(BASE), roundsOf(name)));
    return [name, ...cells, least === undefined ? '' : `≥ ${least}`];
  });
  const beside = (peer: Name, least?: number) => {
    const ratios = ratiosOf(roundsOf(peer), roundsOf('gateway'));
    const promise = least === undefined ? '' : `; target ≥ ${least}`;
    return `${median(ratios).toFixed(2)} × ${peer} (lower quartile ${quantile(ratios, 0.25).toFixed(2)}${promise})`;
  };
  return [
    ...table(HEAD, rows),
    '',
    `The gateway is ${beside('mercurius with JIT', 1)}, ${beside('Yoga + Pothos', 4)}, ${beside('Apollo Server')}.`,
  ];
}
