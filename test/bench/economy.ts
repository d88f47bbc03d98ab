// How many upstream calls 1,000 queries cost: the headline metric, on a reference mix in simulated time.
//
//   npm run bench:economy [-- --quick] [-- --seed 7]
//
// The mix: 10,000 users with Zipf(1) popularity; 40 % profile headers with three counts, 35 % first pages of 20 fans,
// 15 % later pages, 10 % first pages of follows or mutuals; ten minutes from cold. What answers is the gateway's own
// code below GraphQL, on a clock that jumps from event to event: the same seed gives the same figures everywhere.
//
// "Without" stands for DataLoader alone: a header is one portrait_get and one follow_get_info, a client page one
// follow_get, 1.4 calls a query. The plain model to beat is in `economy/perfect-cache.ts`.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { type Cell, type CellResult, runCell, type Way } from './economy/cell.ts';
import { COMMANDS, totalOf } from './economy/upstream.ts';

type Situation = { perSecond: number; freshMs: number };
type Column = { title: string; way: Way };
type Measured = Situation & { results: readonly CellResult[] };

const SITUATIONS: readonly Situation[] = [100, 1000].flatMap((perSecond) =>
  [30_000, 600_000].map((freshMs) => ({ perSecond, freshMs })),
);
const COLUMNS: readonly Column[] = [
  { title: 'nothing', way: 'nothing' },
  { title: 'DataLoader', way: 'loaders' },
  { title: 'model', way: 'model' },
  { title: '1 replica', way: { replicas: 1 } },
  { title: '4 replicas', way: { replicas: 4 } },
];
const [WITHOUT, MODEL, ONE, FOUR] = [1, 2, 3, 4];
const MOST_FOR_FOUR = 1.2;
const SECONDS = 600;
/** Long enough for what is fresh for 30 s to be renewed. */
const QUICK_SECONDS = 45;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { quick: { type: 'boolean', default: false }, seed: { type: 'string', default: '1' } },
  });
  const seconds = values.quick ? QUICK_SECONDS : SECONDS;
  const seed = Number(values.seed);
  const startedAt = performance.now();
  const cells = SITUATIONS.flatMap((situation) =>
    COLUMNS.map(({ way }): Cell => ({ ...situation, seed, seconds, way })),
  );
  const results = await runAll(cells);
  const measured = SITUATIONS.map((situation, row): Measured => {
    const from = row * COLUMNS.length;
    return { ...situation, results: results.slice(from, from + COLUMNS.length) };
  });
  const took = ((performance.now() - startedAt) / 1000).toFixed(0);
  const { user, system } = process.cpuUsage();
  process.stdout.write(
    `${[
      `Upstream calls per 1,000 queries: ${seconds} simulated seconds from cold, seed ${seed}, Node ${process.version}`,
      '',
      ...table(measured),
      '',
      ...verdicts(measured),
      '',
      ...bills(measured),
      '',
      `${took} s, ${((user + system) / 1e6).toFixed(0)} s of processor time`,
    ].join('\n')}\n`,
  );
}

/** Runs the cells on all processors, the longest first. */
async function runAll(cells: readonly Cell[]): Promise<CellResult[]> {
  const results: CellResult[] = [];
  const effort = ({ perSecond, way }: Cell) => perSecond * (typeof way === 'object' ? 2 + way.replicas : 1);
  const waiting = [...cells.keys()].sort((a, b) => effort(cells[b] as Cell) - effort(cells[a] as Cell));
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      results[next] = await runInThread(cells[next] as Cell);
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, work));
  return results;
}

function runInThread(cell: Cell): Promise<CellResult> {
  const { promise, resolve, reject } = Promise.withResolvers<CellResult>();
  const worker = new Worker(new URL(import.meta.url), { workerData: cell });
  worker.once('message', resolve);
  worker.once('error', reject);
  worker.once('exit', () => reject(new Error(`A thread ended without a result: ${JSON.stringify(cell)}`)));
  return promise;
}

const perThousand = ({ bill, queries }: CellResult) => (totalOf(bill) / queries) * 1000;
const nameOf = ({ perSecond, freshMs }: Situation) => `${perSecond}/s, fresh for ${freshMs / 1000} s`;
const row = (name: string, values: readonly string[]) => name.padEnd(26) + values.map((v) => v.padStart(12)).join('');

function table(measured: readonly Measured[]): string[] {
  return [
    row(
      '',
      COLUMNS.map(({ title }) => title),
    ),
    ...measured.map((cell) =>
      row(
        nameOf(cell),
        cell.results.map((result) => perThousand(result).toFixed(1)),
      ),
    ),
    '',
    row('times fewer than DataLoader', []),
    ...measured.map(({ results, ...situation }) => {
      const without = perThousand(results[WITHOUT] as CellResult);
      return row(
        nameOf(situation),
        results.map((result) => (without / perThousand(result)).toFixed(2)),
      );
    }),
  ];
}

/** The two promises, cell by cell; one that is broken is the exit code as well. */
function verdicts(measured: readonly Measured[]): string[] {
  return measured.map(({ results, ...situation }) => {
    const [model, one, four] = [MODEL, ONE, FOUR].map((column) => perThousand(results[column] as CellResult)) as [
      number,
      number,
      number,
    ];
    const kept = one < model && four <= MOST_FOR_FOUR * one;
    if (!kept) process.exitCode = 1;
    const figures = `1 replica = ${(one / model).toFixed(2)} × model, 4 replicas = ${(four / one).toFixed(2)} × 1 replica`;
    return `${kept ? 'kept  ' : 'BROKEN'} ${nameOf(situation).padEnd(24)} ${figures}`;
  });
}

function bills(measured: readonly Measured[]): string[] {
  return measured.flatMap(({ results, ...situation }) => [
    row(`calls, ${nameOf(situation)}`, []),
    ...COMMANDS.map((command) =>
      row(
        `  ${command}`,
        results.map(({ bill }) => String(bill[command])),
      ),
    ),
  ]);
}

if (isMainThread) await main();
else parentPort?.postMessage(await runCell(workerData as Cell));
