// Results as Markdown on the standard output: RESULTS.md keeps what is worth comparing with.
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

export type Section = { title: string; how?: string; lines: readonly string[] };

const PACKAGES = new URL('../peers/package.json', import.meta.url);

export function publish({ title, how = '', lines }: Section, isQuick: boolean): void {
  const { dependencies } = JSON.parse(readFileSync(PACKAGES, 'utf8')) as { dependencies: Record<string, string> };
  const versions = ['graphql-yoga', '@pothos/core', 'mercurius', '@apollo/server'].map(
    (n) => `${n} ${dependencies[n]}`,
  );
  const machine = `${cpus().length} × ${cpus()[0]?.model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  const what = `${new Date().toISOString().slice(0, 16)}Z, ${machine}; Node ${process.versions.node}, ${versions.join(', ')}.`;
  process.stdout.write(
    `## ${title}\n\n${what}${isQuick ? ' A quick run: the figures are coarse.' : ''}\n\n${how}\n\n${lines.join('\n')}\n\n`,
  );
}

type Row = readonly string[];

/** A table that reads well in a terminal too: the first column to the left, the others to the right. */
export function table(head: Row, rows: readonly Row[]): string[] {
  const widths = head.map((title, column) => Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: Row) => {
    const cells = widths.map((width, n) => (n === 0 ? (row[n] ?? '').padEnd(width) : (row[n] ?? '').padStart(width)));
    return `| ${cells.join(' | ')} |`;
  };
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)];
}

/** The value below which this share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);
