// The screen of users who are not in the cache, from an upstream that answers at once: the gateway beside a bare proxy.
import { FEATURES } from '../measuring/gateway.ts';
import { inTurn, leave, type Round, saturate, target } from '../measuring/load.ts';
import { openMissHouse, PAGES, type PageName } from '../measuring/miss-house.ts';
import { compared, ratiosOf } from '../measuring/ratios.ts';
import { table } from '../measuring/table.ts';
import type { Plan, Section } from './part.ts';

const CONNECTIONS = 16;
const LEAST = 0.75;

export async function miss({ quick }: Plan): Promise<Section> {
  const rounds = quick ? 5 : 15;
  const roundMs = quick ? 200 : 600;
  const house = await openMissHouse();
  const rows: string[][] = [];
  for (const page of Object.keys(PAGES) as PageName[]) {
    const targets = (await house.candidates(page)).map((candidate) => target(candidate, CONNECTIONS));
    const warmUp = quick ? 700 : 10_000;
    const measured = await inTurn(targets, { rounds, warmUp, measure: (to) => saturate(to, roundMs) });
    for (const to of targets) leave(to);
    rows.push(...report(page, measured));
  }
  await house.assertMissed();
  await house.close();
  const how =
    `Every request is for a user whom nobody has asked for, so each is one upstream call; ${CONNECTIONS} connections, ` +
    `${rounds} rounds of ${roundMs / 1000} s. The upstream is a process of its own that answers at once ` +
    'with pages of 100 or of 20 that were stored before, the sandbox’s bytes. The bare proxy parses, shapes and stringifies; its ' +
    `cursors are unsigned, and it remembers nothing. The gateway has ${FEATURES}, and the default settings of its cache.`;
  return { title: 'Miss', lines: [how, '', ...table(HEAD, rows)] };
}

const HEAD = ['', 'requests/s', 'CPU µs each', 'bare proxy = 1', 'lower quartile', 'target'];

function report(page: PageName, measured: ReadonlyMap<string, Round[]>): string[][] {
  const base = measured.get('bare proxy') ?? [];
  return Array.from(measured, ([name, rounds]) => [
    `${page}: ${name}`,
    ...compared(rounds, ratiosOf(base, rounds)),
    name === 'gateway' ? `≥ ${LEAST}` : '',
  ]);
}
