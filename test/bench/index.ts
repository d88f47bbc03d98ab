// The benchmark: this gateway with all its features on, beside a bare node:http server, mercurius with its JIT, Yoga with
// Pothos, and Apollo Server, which answer the same query with the same data from pages that lie ready.
//
//   npm run bench -- soak --requests 3000000 --different 100000
//
// Every server is a process of its own. Prints the tables and writes them to RESULTS.md.
import { parseArgs } from 'node:util';
import { render, write } from './measuring/results.ts';
import { miss } from './parts/miss.ts';
import { pace } from './parts/pace.ts';
import type { Part } from './parts/part.ts';
import { soak } from './parts/soak.ts';
import { warm } from './parts/warm.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: true },
    requests: { type: 'string', default: '3000000' },
    different: { type: 'string', default: '100000' },
  },
});

const PARTS: Record<string, Part> = {
  warm,
  miss,
  pace,
  soak: ({ quick }) => {
    const share = quick ? 0.01 : 1;
    return soak({ requests: Number(values.requests) * share, different: Number(values.different) * share });
  },
};
/** What is measured where nothing is named: all that takes minutes rather than a good part of an hour. */
const USUAL = ['warm', 'miss', 'pace'];

const unknown = positionals.find((name) => !Object.hasOwn(PARTS, name));
if (unknown) throw new Error(`There is no part "${unknown}": ${Object.keys(PARTS).join(', ')}.`);

const startedAt = performance.now();
for (const name of positionals.length > 0 ? positionals : USUAL) {
  const section = await (PARTS[name] as Part)(values);
  const text = render(section, values.quick);
  process.stdout.write(`${text}\n`);
  if (values.write) write(section, text);
}
process.stdout.write(`${((performance.now() - startedAt) / 1000).toFixed(0)} s\n`);
process.exit();
