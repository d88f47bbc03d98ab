// The whole job: how many queries of the reference mix a server answers a second within the upstream's limit.
//
//   node test/bench/whole-job.ts [--limit 200|40] [--minutes 2] [--server name,name] [--rate 500] [--seed 1] [--quick]
//
// Real HTTP in an open loop, from cold, each rate with a server and an upstream of its own; the upstream answers after 10 ms
// and refuses what is above the limit of a command. A rate is kept when 99 % of all queries are answered without an error and
// 99 % of those within a second, the cold start included; the highest such rate is searched, or one is measured (--rate).
// Meanwhile five users a second get a new fan. Two shared cores carry server, upstream and load: the load reports when
// it was late itself.
import { parseArgs } from 'node:util';
import { publish, table } from './measuring/results.ts';
import { installPeers } from './peers/install.ts';
import { SERVERS, type Server } from './whole-job/servers.ts';
import { runTrial, type Trial } from './whole-job/trial.ts';

const { values } = parseArgs({
  allowNegative: true,
  options: {
    limit: { type: 'string', default: '200' },
    minutes: { type: 'string', default: '2' },
    server: { type: 'string', default: Object.keys(SERVERS).join() },
    rate: { type: 'string' },
    seed: { type: 'string', default: '1' },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: true },
  },
});
const limit = Number(values.limit);
const seconds = Number(values.minutes) * 60;
const seed = Number(values.seed);
/** The search ends when the next rate would be less than this much higher. */
const PRECISION = values.quick ? 1.2 : 1.06;
const FIRST_STEP = values.quick ? 2 : 1.5;
const MAX_TRIALS = 12;

installPeers();
const rows: string[][] = [];
for (const name of values.server.split(',')) {
  const server = SERVERS[name];
  if (!server) throw new Error(`There is no server "${name}": ${Object.keys(SERVERS).join(', ')}.`);
  const trial = values.rate ? await measure(name, server, Number(values.rate)) : await findHighest(name, server);
  rows.push([server.title, ...cellsOf(trial)]);
}
const how =
  `${values.minutes} minutes from cold, seed ${seed}; the upstream takes ${limit} calls a second of each command. ` +
  'Ours: settings as shipped, but UPSTREAM_RATE at 90 % of the limit, which is the default at 200.';
const head = [
  '',
  'queries/s',
  'answered',
  'p50 ms',
  'p99 ms',
  'max ms',
  'stale',
  'oldest s',
  'follow_get',
  'follow_get_info',
];
const more = ['portrait_get', 'follow_check', 'refused', 'use of limit', 'late by 1 s', 'CPU ms', 'MB', 'load late ms'];
publish(
  { title: `The whole job, limit ${limit}/s`, lines: [how, '', ...table([...head, ...more], rows)] },
  { quick: values.quick, write: values.write && !values.rate },
);
process.exit();

async function measure(name: string, server: Server, rate: number): Promise<Trial> {
  const trial = await runTrial(server, { rate, limit, seconds, seed });
  const judged = trial.isKept ? 'kept' : `missed after ${trial.seconds.toFixed(0)} s`;
  process.stderr.write(`${name} ${rate.toFixed(0)}/s ${judged}: ${cellsOf(trial).join(' | ')}\n`);
  return trial;
}

/** Climbs until a rate is missed (or falls until one is kept), then halves what lies between, by ratio. */
async function findHighest(name: string, server: Server): Promise<Trial> {
  let [kept, missedRate]: [Trial | null, number] = [null, Number.POSITIVE_INFINITY];
  let [last, rate]: [Trial | null, number] = [null, server.firstGuess * limit];
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

function cellsOf(trial: Trial): string[] {
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  return [
    trial.rate.toFixed(0),
    percent(trial.answered),
    ...[trial.p50Ms, trial.p99Ms, trial.maxMs].map((ms) => ms.toFixed(0)),
    percent(trial.stale),
    String(trial.oldestSeconds),
    ...['follow_get', 'follow_get_info', 'portrait_get', 'follow_check'].map((command) =>
      (trial.perThousand[command] ?? 0).toFixed(0),
    ),
    percent(trial.refused),
    percent(trial.use),
    String(trial.outdated),
    trial.cpuMs.toFixed(2),
    trial.megabytes.toFixed(0),
    `${trial.loadLateMs.toFixed(0)}${trial.isLoadTheLimit ? ' (!)' : ''}`,
  ];
}
