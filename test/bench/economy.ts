// How many upstream calls 1,000 queries of the reference mix cost, by command, in simulated time.
//
//   npm run bench:economy [-- --quick] [--only 650/30]
//
// Whole gateways in this process, asked over real HTTP, on a clock that goes on from query to query: the upstream has no
// limit and lists do not change, so the counts show caching alone, with the memory as shipped. Four replicas share a
// Redis, and each query goes to any one of them.
import { parseArgs } from 'node:util';
import { type CallCounts, runCell } from './economy/cell.ts';
import { publish, table } from './measuring/results.ts';
import { SEED } from './reference/mix.ts';

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
    quick: { type: 'boolean', default: false },
    /** One situation alone, by its queries a second and its fresh seconds. */
    only: { type: 'string' },
  },
});
const seconds = values.quick ? 45 : 600;

const rows: string[][] = [];
for (const { perSecond, freshSeconds, aim, replicas } of SITUATIONS) {
  if (values.only && values.only !== `${perSecond}/${freshSeconds}`) continue;
  const cell = { perSecond, seconds, freshSeconds };
  const one = await runCell({ ...cell, replicas: 1 });
  note(`${perSecond}/s, fresh for ${freshSeconds} s`, one, aim);
  if (!replicas) continue;
  const all = await runCell({ ...cell, replicas });
  note(`${replicas} replicas (${(sumOf(all) / sumOf(one)).toFixed(2)} ×)`, all, '≤ 1.1 ×');
}
const how = `${seconds} simulated seconds from cold, seed ${SEED}; calls per 1,000 queries.`;
const lines = table(['', ...COMMANDS, 'sum', 'aim'], rows);
publish({ title: 'Upstream calls per 1,000 queries', how, lines }, values.quick);
process.exit();

function note(title: string, counts: CallCounts, aim: string): void {
  const calls = [...COMMANDS.map((command) => counts[command] ?? 0), sumOf(counts)];
  const row = [title, ...calls.map((count) => count.toFixed(1)), aim];
  rows.push(row);
  process.stderr.write(`${row}\n`);
}

function sumOf(counts: CallCounts): number {
  return Object.values(counts).reduce((sum, calls) => sum + calls, 0);
}
