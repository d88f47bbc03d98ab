// What documents and variables that are made to hurt cost: CPU of each refusal beside a query's that is executed.
import { ATTACKS } from '../../limits/attack-set.ts';
import { postOf } from '../measuring/connection.ts';
import { askTimes, openTarget } from '../measuring/load.ts';
import { median, type Section, table } from '../measuring/results.ts';
import { SCREEN, screenBody, warmUser } from '../measuring/screen.ts';
import { startGateway, startUpstream, WARM } from '../measuring/servers.ts';

const NORMAL = 'the screen, under a new text';

export async function attacks(quick: boolean): Promise<Section> {
  const upstream = await startUpstream();
  const server = await startGateway(upstream, WARM);
  // The text of each differs from the one before it: the same one again would neither be parsed nor validated.
  const bodies: Record<string, (turn: number) => object | string> = {
    [NORMAL]: (turn) => ({ ...screenBody(warmUser(0), 20), query: `${SCREEN} #${turn}` }),
  };
  for (const [name, [query, , variables = '{}']] of Object.entries(ATTACKS)) {
    const text = JSON.stringify(query).slice(0, -1);
    bodies[name] = (turn) => `{"query":${text} #${turn}","variables":${variables}}`;
  }
  const targets = Object.entries(bodies).map(([name, bodyOf]) => {
    const outcomes = new Set<string>();
    const isRight = ({ status, body }: { status: number; body: Buffer }) => {
      outcomes.add(`${status} ${/"code":"(\w+)"/.exec(body.toString('latin1'))?.[1] ?? 'data'}`);
      return status < 500;
    };
    const requestOf = (turn: number) => postOf(bodyOf(turn));
    return { outcomes, micros: [] as number[], to: openTarget({ name, server, requestOf, isRight }, 8) };
  });
  for (const { to } of targets) await askTimes(to, quick ? 40 : 200);
  const callsBefore = await upstream.totalCalls();
  const { heapUsed: heldBefore } = await server.held();
  const times = quick ? 16 : 40;
  for (let round = 0; round < (quick ? 3 : 9); round++)
    for (const { to, micros } of targets) {
      const before = await server.cpuMicros();
      await askTimes(to, times);
      micros.push(((await server.cpuMicros()) - before) / times);
    }
  const { heapUsed: heldAfter } = await server.held();
  const calls = (await upstream.totalCalls()) - callsBefore;
  for (const { to } of targets) to.pool.close();
  const base = median(targets[0]?.micros ?? []);
  const rows = targets.map(({ to: { name }, micros, outcomes }) => [
    name,
    median(micros).toFixed(0),
    (median(micros) / base).toFixed(2),
    [...outcomes].join(', '),
  ]);
  const grown = ((heldAfter - heldBefore) / 2 ** 20).toFixed(1);
  const how = `Aim: below 3 normal queries each, no upstream call (${calls} were made), nothing held (${grown} MB more after all).`;
  return { title: 'Attacks', how, lines: table(['', 'CPU µs', 'normal = 1', 'answer'], rows) };
}
