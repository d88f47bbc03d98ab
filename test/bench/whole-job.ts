// The whole job: how many queries of the reference mix a server answers a second within the upstream's limit.
//
//   npm run bench:job [-- --limit 200|40] [--minutes 2] [--server name,name] [--rate 500] [--quick]
//
// Real HTTP in an open loop, from cold, each rate with a server and an upstream to itself; the upstream answers after 10 ms
// and refuses what is above the limit of a command. A rate is kept when 99 % of all queries are answered without an error and
// 99 % of those within a second, the cold start included; the highest such rate is searched, or one is measured (--rate).
// Meanwhile five users a second get a new fan. Two shared cores carry server, upstream and load: the load reports when
// it was late itself.
import { parseArgs } from 'node:util';
import { publish, table } from './measuring/results.ts';
import { installPeers } from './peers/install.ts';
import { SEED } from './reference/mix.ts';
import { findBound } from './whole-job/bound.ts';
import { SERVERS, type Server } from './whole-job/servers.ts';
import { runTrial, type Trial } from './whole-job/trial.ts';

const { values } = parseArgs({
  options: {
    limit: { type: 'string', default: '200' },
    minutes: { type: 'string', default: '2' },
    server: { type: 'string', default: Object.keys(SERVERS).join() },
    rate: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});
const limit = Number(values.limit);
const seconds = Number(values.minutes) * 60;
/** The search ends when the next rate would be less than this much higher. */
const PRECISION = values.quick ? 1.2 : 1.06;
const FIRST_STEP = values.quick ? 2 : 1.5;
/** Where the search begins. */
const FIRST_RATE = 3 * limit;
const MAX_TRIALS = 12;

installPeers();
const results: [title: string, trial: Trial][] = [];
for (const name of values.server.split(',')) {
  const server = SERVERS[name];
  if (!server) throw new Error(`There is no server "${name}": ${Object.keys(SERVERS).join(', ')}.`);
  const trial = values.rate ? await measure(name, server, Number(values.rate)) : await findHighest(name, server);
  results.push([server.title, trial]);
}
const how =
  `${values.minutes} minutes from cold, seed ${SEED}; the upstream takes ${limit} calls a second of each command; calls ` +
  'per 1,000 queries. The gateway has its settings as shipped, but UPSTREAM_RATE at 90 % of the limit, the default at 200. ' +
  `No server could keep more than ${findBound(limit, seconds).toFixed(0)} queries a second: see bound.ts.`;
const rows = results.map(([title, { cells }]) => [title, ...Object.values(cells)]);
const lines = table(['', ...Object.keys(results[0]?.[1].cells ?? {})], rows);
publish({ title: `The whole job, limit ${limit}/s`, how, lines }, values.quick);
process.exit();

async function measure(name: string, server: Server, rate: number): Promise<Trial> {
  const trial = await runTrial(server, { rate, limit, seconds });
  const judged = trial.isKept ? 'kept' : `missed after ${trial.seconds.toFixed(0)} s`;
  process.stderr.write(`${name} ${rate.toFixed(0)}/s ${judged}: ${JSON.stringify(trial.cells)}\n`);
  return trial;
}

/** Climbs until a rate is missed (or falls until one is kept), then halves what lies between, by ratio. */
async function findHighest(name: string, server: Server): Promise<Trial> {
  let [kept, missedRate]: [Trial | null, number] = [null, Number.POSITIVE_INFINITY];
  let [last, rate]: [Trial | null, number] = [null, FIRST_RATE];
  for (let trials = 0; trials < MAX_TRIALS; trials++) {
    last = await measure(name, server, rate);
    if (last.isKept) kept = last;
    else missedRate = rate;
    if (!kept) rate /= FIRST_STEP;
    else if (missedRate === Number.POSITIVE_INFINITY) rate *= FIRST_STEP;
    else if (missedRate / kept.rate < PRECISION) break;
    else rate = Math.sqrt(kept.rate * missedRate);
  }
  return kept ?? (last as Trial);
}
