// RESULTS.md: what was measured last, a section for each part. A run writes its own sections anew and keeps the others.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Section } from '../parts/part.ts';
import { machine, versions } from './machine.ts';

const FILE = fileURLToPath(new URL('../RESULTS.md', import.meta.url));

/** The sections in their order. */
const TITLES = ['Warm list screen', 'Miss', 'Waiting at a fixed rate', 'Workers', 'Soak'];

const INTRODUCTION = `# Results of the benchmarks

Written by \`npm run bench\` and its kin; nothing in here is by hand. Ratios are taken within one run, between servers that
are asked in turn, so they say more than microseconds do: those are of one machine on one day.
`;

/** The section as it stands in the file, and in the terminal. */
export function render({ title, lines }: Section, quick: boolean): string {
  const kind = quick ? ' A quick run: the figures are coarse.' : '';
  const where = `Measured ${new Date().toISOString().slice(0, 16)}Z on ${machine()}; ${versions()}.${kind}`;
  return `## ${title}\n\n${where}\n\n${lines.join('\n').trimEnd()}\n`;
}

/** Puts a section into the file, in the place of the one with the same title. */
export function write({ title }: Section, text: string): void {
  const sections = new Map([...readSections(), [title, text] as const]);
  const kept = TITLES.flatMap((known) => sections.get(known) ?? []);
  writeFileSync(FILE, [INTRODUCTION, ...kept].join('\n'));
}

function readSections(): [title: string, text: string][] {
  if (!existsSync(FILE)) return [];
  const [, ...sections] = readFileSync(FILE, 'utf8').split(/^## /m);
  return sections.map((text) => [text.slice(0, text.indexOf('\n')), `## ${text.trimEnd()}\n`]);
}
