// How many upstream calls 1,000 queries of the reference mix cost, by command, in simulated time.
//
//   npm run bench:economy [-- --quick] [-- --seed 7] [-- --seconds 600] [-- --only 650/30]
//
// Whole gateways in this process, asked over real HTTP, on a clock that goes on from query to query: the upstream has no
// limit and lists do not change, so the counts show caching alone, with the memory as shipped. Four replicas share a
// Redis, and each query goes to any one of them.
import { parseArgs } from 'node:util';
import { startRedisProcess } from '../support/redis-process.ts';
import { type CallCounts, type Cell, runCell } from './economy/cell.ts';
import { publish, table } from './measuring/results.ts';

/** What must not be exceeded in ten minutes from cold. Replicas are compared where few queries make it quick. */
const SITUATIONS = [
  { perSecond: 100, freshSeconds: 30, aim: '≤ 371', replicas: 4 },
  { perSecond: 100, freshSeconds: 600, aim: '≤ 184', replicas: 4 },
  { perSecond: 650, freshSeconds: 30, aim: 'follow_get ≤ 105' },
  { perSecond: 1000, freshSeconds: 30, aim: '≤ 170' },
  { perSecond: 1000, freshSeconds: 600, aim: '≤ 44' },
];
const COMMANDS = ['follow_get', 'follow_get_info', 'portrait_get'];

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '600' },
    quick: { type: 'boolean', default: false },
    /** One situation alone, by its queries a second and its fresh seconds. */
    only: { type: 'string' },
  },
});
const seconds = values.quick ? 45 : Number(values.seconds);

const rows: string[][] = [];
for (const { perSecond, freshSeconds, aim, replicas } of SITUATIONS) {
  if (values.only && values.only !== `${perSecond}/${freshSeconds}`) continue;
  const cell: Cell = { seed: Number(values.seed), perSecond, seconds, freshSeconds };
  const one = await runCell(cell, []);
  note([`${perSecond}/s, fresh for ${freshSeconds} s`, ...cellsOf(one), aim]);
  if (!replicas) continue;
  // As cold as the gateways.
  const redis = await startRedisProcess();
  const all = await runCell(cell, Array<string>(replicas).fill(redis.url));
  await redis.close();
  note([`${replicas} replicas (${(sumOf(all) / sumOf(one)).toFixed(2)} ×)`, ...cellsOf(all), '≤ 1.1 ×']);
}
const how = `${seconds} simulated seconds from cold, seed ${values.seed}; calls per 1,000 queries.`;
const lines = table(['', ...COMMANDS, 'sum', 'aim'], rows);
publish({ title: 'Upstream calls per 1,000 queries', how, lines }, values.quick);
process.exit();

function note(row: string[]): void {
  rows.push(row);
  process.stderr.write(`${row}\n`);
}

function sumOf(counts: CallCounts): number {
  return Object.values(counts).reduce((sum, calls) => sum + calls, 0);
}

function cellsOf(counts: CallCounts): string[] {
  return [...COMMANDS.map((command) => (counts[command] ?? 0).toFixed(1)), sumOf(counts).toFixed(1)];
}
