// Asks all siblings the same, and tells where an answer, a log line, a metric or a call upstream is not the same.
import { expect } from 'vitest';
import { scrapeText } from '../metrics/scrape.ts';
import type { Ask } from './asks.ts';
import type { Sibling, Siblings } from './siblings.ts';
import type { Received } from './wire.ts';

/** A difference in words: who, what was asked, and both answers. */
export type Difference = string;

export type AskOptions = {
  /** How often each is asked in a row. The third time is the first that the default takes the short way. */
  times?: number;
  /** How far the clock is turned after each, in milliseconds. */
  stepMs?: number;
  /** Whether time passes while an answer is waited for: the upstream may be silent. */
  timePasses?: boolean;
};

const UUID = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g;
const IS_STREAM = /\r\ncontent-type: text\/event-stream/i;
const TOLD_LETTERS = 1500;
const TOLD_DIFFERENCES = Number(process.env.TOLD_DIFFERENCES) || 5;
const TOLD_NAMES = 50;
const PATIENCE_STEP_MS = 500;
/** The metrics of the gateway; but answers and lists are kept on the short way alone. */
const OF_BOTH_WAYS = /^follow_gateway_(?!memory_bytes\{kind="(answers|lists)"\}).*$/gm;
/** Of log lines: when, and where one's own ports are. Stacks say which way was gone. */
const OWN_FIELDS = new Set(['time', 'url', 'stack']);

/** Sends each to all siblings, one after the other, and answers the differences. */
export async function compare(
  siblings: Siblings,
  asks: readonly Ask[],
  { times = 3, stepMs = 20, timePasses = false }: AskOptions = {},
): Promise<Difference[]> {
  const differences: Difference[] = [];
  let told = 0;
  for (const asked of asks) {
    for (let time = 1, found = 0; time <= times; time++) {
      const answers = await askAll(siblings, asked, timePasses);
      // Of each the first difference is told: the next time it is mostly the same.
      if (found > 0) continue;
      const about = () => `${asked.name} (time ${time})\n${show(asked.request)}`;
      found = differences.push(...differencesOf(siblings, answers, about)) - told;
      told += found;
    }
    siblings.clock.advance(stepMs);
  }
  return differences;
}

/** Sends one to all siblings once; answers what they answered, in words that can be compared. */
export async function askAll(siblings: Siblings, asked: Ask, timePasses = false): Promise<string[]> {
  const sent = siblings.all.map(({ wire }) => wire.send(asked.request, asked.method));
  const all = Promise.all(sent.map(({ answer }) => answer));
  const isAnswered = () => sent.every((sending) => sending.isAnswered());
  await siblings.quiet(isAnswered);
  for (const sending of sent)
    if (!sending.isAnswered() && (asked.isOpen || IS_STREAM.test(sending.soFar()))) sending.leave();
  while (timePasses && !isAnswered()) {
    siblings.clock.advance(PATIENCE_STEP_MS);
    await siblings.quiet(isAnswered);
  }
  const answers = (await all).map((received) => tell(received, asked.request.toString('latin1')));
  await siblings.quiet();
  return answers;
}

/** Where what siblings gave, in their order, is not what the first one gave: the lines that only one of the two has. */
export function differencesOf(siblings: Siblings, given: readonly string[], about: () => string): Difference[] {
  const [first, ...others] = siblings.all;
  return others.flatMap(({ name }, at) => {
    if (given[at + 1] === given[0]) return [];
    const [expected, got] = [given[0] ?? '', given[at + 1] ?? ''].map((text) => text.split('\n'));
    const missing = without(expected ?? [], got ?? []).map((line) => `  - ${show(line)}`);
    const added = without(got ?? [], expected ?? []).map((line) => `  + ${show(line)}`);
    return [[about(), `${name} (+) against ${first.name} (-)`, ...missing, ...added].join('\n')];
  });
}

/** What the whole run left behind: log lines in any order, metrics, and the calls of the sandbox. */
export async function differencesLeft(siblings: Siblings): Promise<Difference[]> {
  await siblings.quiet();
  const metrics = await Promise.all(siblings.all.map(({ house }) => scrapeText(house)));
  const lines = (of: (sibling: Sibling, at: number) => string[], what: string) => {
    const [expected = [], ...others] = siblings.all.map((sibling, at) => of(sibling, at).sort());
    return others.flatMap((got, at) => {
      const [missing, added] = [without(expected, got), without(got, expected)];
      if (missing.length + added.length === 0) return [];
      const told = [...missing.map((line) => `  - ${line}`), ...added.map((line) => `  + ${line}`)].slice(0, 40);
      return [`${what} of ${siblings.all[at + 1]?.name}, against ${siblings.all[0].name}\n${told.join('\n')}`];
    });
  };
  return [
    ...lines(({ house }) => house.logLines.map(readLine), 'The log'),
    ...lines((_sibling, at) => (metrics[at] ?? '').match(OF_BOTH_WAYS) ?? [], 'The metrics'),
    ...lines(
      ({ house }) => Object.entries(house.sandbox.calls.summary()).map((entry) => JSON.stringify(entry)),
      'The calls upstream',
    ),
    ...lines(({ house }) => house.logLines.filter((line) => JSON.parse(line).level >= 50), 'Bugs in the log'),
  ];
}

/** Fails with the first few, told whole. */
export function expectNone(differences: readonly Difference[]): void {
  const told = differences.slice(0, TOLD_DIFFERENCES).join('\n\n');
  const others = differences.slice(TOLD_DIFFERENCES).map((difference) => difference.split('\n', 1)[0]);
  const report = `${differences.length} differences\n\n${told}\n\nand ${others.slice(0, TOLD_NAMES).join('\nand ')}`;
  expect(differences.length === 0 ? '' : report).toBe('');
}

/** An answer as text; what must differ is left out: the date, and an id that the gateway has made up. */
function tell({ status, headers, body, isWhole }: Received, request: string): string {
  const lines = headers
    .filter(([name]) => name !== 'date')
    .map(([name, value]) => `${name}: ${name === 'x-request-id' ? withoutNewIds(value, request) : value}`)
    .sort();
  const text = headers.some(([name]) => name === 'content-encoding')
    ? body.toString('base64')
    : inOrder(body.toString());
  return `${status}${isWhole ? '' : ' cut off'}\n${lines.join('\n')}\n\n${text}`;
}

/** GraphQL gives errors no order: which of several fields fails first is a matter of turns of the event loop. */
function inOrder(text: string): string {
  if (!text.startsWith('{"errors":[')) return text;
  const { errors, ...rest } = JSON.parse(text) as { errors: unknown[] };
  return JSON.stringify({ errors: errors.map((error) => JSON.stringify(error)).sort(), ...rest });
}

/** Ids that nobody has sent are all alike. */
export const withoutNewIds = (text: string, request: string): string =>
  text.replace(UUID, (id) => (request.includes(id) ? id : '(new)'));

function readLine(line: string): string {
  return JSON.stringify(JSON.parse(line), (name, value) => {
    if (OWN_FIELDS.has(name)) return undefined;
    if (name === 'errorCodes') return [...value].sort();
    return name === 'requestId' ? withoutNewIds(String(value), '') : value;
  });
}

function without(lines: readonly string[], others: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of others) counts.set(line, (counts.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const left = counts.get(line) ?? 0;
    counts.set(line, left - 1);
    return left <= 0;
  });
}

function show(text: string | Buffer): string {
  const whole = text.toString();
  return whole.length > TOLD_LETTERS ? `${whole.slice(0, TOLD_LETTERS)}… (${whole.length})` : whole;
}
