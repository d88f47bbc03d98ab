// What documents and variables that are made to hurt cost: CPU of each refusal beside a query's that is executed.
import { ATTACKS } from '../../limits/attack-set.ts';
import { postOf } from '../measuring/connection.ts';
import { ALL_FEATURES, startGateway, startUpstream, totalCallsOf, WARM } from '../measuring/gateway.ts';
import { askTimes, closeTarget, openTarget } from '../measuring/load.ts';
import { type Section, table } from '../measuring/results.ts';
import { screenBody, warmUser } from '../measuring/screen.ts';
import { median } from '../measuring/statistics.ts';

const NORMAL = 'the screen, executed';

export async function attacks(quick: boolean): Promise<Section> {
  const upstream = await startUpstream();
  const server = await startGateway(upstream, { ...ALL_FEATURES, ...WARM });
  const post = (body: object | string) => postOf(server.origin, '/graphql', body);
  // Each differs from the one before it, since the same one again might be refused out of a cache.
  const makers: Record<string, (turn: number) => Buffer> = {
    [NORMAL]: (turn) => post(screenBody(warmUser(0), 20, turn)),
  };
  for (const [name, [query, variables = '{}']] of Object.entries(ATTACKS)) {
    const text = JSON.stringify(query).slice(0, -1);
    makers[name] = (turn) => post(`{"query":${text} #${turn}","variables":${variables}}`);
  }
  const outcomes = new Map<string, Set<string>>();
  const targets = Object.entries(makers).map(([name, requestOf]) => {
    const seen = new Set<string>();
    outcomes.set(name, seen);
    const isRight = ({ status, body }: { status: number; body: Buffer }) => {
      seen.add(`${status} ${/"code":"(\w+)"/.exec(body.toString('latin1'))?.[1] ?? 'data'}`);
      return status < 500;
    };
    return openTarget({ name, server, requestOf, isRight }, 8);
  });
  for (const to of targets) await askTimes(to, quick ? 40 : 200);
  const callsBefore = await totalCallsOf(upstream);
  const { heapUsed: heldBefore } = await server.held();
  const costs = new Map(targets.map(({ name }) => [name, [] as number[]]));
  const times = quick ? 16 : 40;
  for (let round = 0; round < (quick ? 3 : 9); round++)
    for (const to of targets) {
      const before = await server.cpuMicros();
      await askTimes(to, times);
      costs.get(to.name)?.push(((await server.cpuMicros()) - before) / times);
    }
  const { heapUsed: heldAfter } = await server.held();
  const calls = (await totalCallsOf(upstream)) - callsBefore;
  for (const to of targets) closeTarget(to);
  await Promise.all([server.stop(), upstream.stop()]);
  const base = median(costs.get(NORMAL) ?? []);
  const rows = Array.from(costs, ([name, micros]) => [
    name,
    median(micros).toFixed(0),
    (median(micros) / base).toFixed(2),
    [...(outcomes.get(name) ?? [])].join(', '),
  ]);
  const grown = ((heldAfter - heldBefore) / 2 ** 20).toFixed(1);
  const how = `Aim: below 3 normal queries each, no upstream call (${calls} were made), nothing held (${grown} MB more after all).`;
  return { title: 'Attacks', lines: [how, '', ...table(['', 'CPU µs', 'normal = 1', 'answer'], rows)] };
}
