// RESULTS.md: what was measured last, a section for each part. A run replaces its own sections and keeps the others.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, platform, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

/** A section of the results, in Markdown. */
export type Section = { title: string; lines: readonly string[] };

const FILE = fileURLToPath(new URL('../RESULTS.md', import.meta.url));
const PACKAGES = new URL('../peers/package.json', import.meta.url);
const INTRODUCTION = `# Results of the benchmarks

Written by \`npm run bench\` and its kin. Ratios are taken between servers that are asked in turn within one run, so they say
more than microseconds, which belong to one machine on one day.
`;

/** Prints a section and, unless told otherwise, puts it into the file in place of the one with the same title. */
export function publish({ title, lines }: Section, { quick, write }: { quick: boolean; write: boolean }): void {
  const kind = quick ? ' A quick run: the figures are coarse.' : '';
  const where = `Measured ${new Date().toISOString().slice(0, 16)}Z on ${machine()}.${kind}`;
  const text = `## ${title}\n\n${where}\n\n${lines.join('\n').trimEnd()}\n`;
  process.stdout.write(`${text}\n`);
  if (!write) return;
  const sections = new Map([...readSections(), [title, text]]);
  writeFileSync(FILE, [INTRODUCTION, ...sections.values()].join('\n'));
}

function readSections(): [title: string, text: string][] {
  if (!existsSync(FILE)) return [];
  const [, ...sections] = readFileSync(FILE, 'utf8').split(/^## /m);
  return sections.map((text) => [text.slice(0, text.indexOf('\n')), `## ${text.trimEnd()}\n`]);
}

function machine(): string {
  const { model } = cpus()[0] ?? { model: 'unknown processor' };
  const { dependencies } = JSON.parse(readFileSync(PACKAGES, 'utf8')) as { dependencies: Record<string, string> };
  const versions = ['graphql-yoga', '@pothos/core', 'mercurius', '@apollo/server'].map(
    (name) => `${name} ${dependencies[name]}`,
  );
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  return `${cpus().length} × ${model}, ${memory} GiB, ${platform()}; Node ${process.versions.node}, ${versions.join(', ')}`;
}

type Row = readonly string[];

/** A table that reads well in a terminal too: the first column to the left, the others to the right. */
export function table(head: Row, rows: readonly Row[]): string[] {
  const widths = head.map((title, column) => Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: Row) => {
    const cells = widths.map((width, column) => {
      const cell = row[column] ?? '';
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
    return `| ${cells.join(' | ')} |`;
  };
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)];
}
