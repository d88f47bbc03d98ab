// What one run of a compiled operation keeps while it goes on, and what the generated code calls when things are unusual.
import type { Variables } from './variables.ts';

export type Run = {
  readonly context: unknown;
  readonly variables: Variables;
  /** Arguments and resolve infos that depend on the variables, by their numbers: made when first needed. */
  readonly made: unknown[];
  /** The JSON of promised values, by their numbers: '' until they come. */
  readonly promised: string[];
  /** How many promised values are still to come. */
  waiting: number;
  failed: boolean;
  /** Whether what is being written would be the same at any time, for anybody. */
  isConstant: boolean;
  /** Ends a run that waits: with null when it has failed, else with its text. Later calls do nothing. */
  end: (() => void) | null;
};

/** Writes a value as JSON. */
export type Complete = (value: unknown, run: Run) => string;

/** Writes what is selected of `source` as JSON. */
export type Select = (source: unknown, run: Run) => string;

/** Runs the selection of an operation; null when anything was not as usual. */
export function start(select: Select, context: unknown, variables: Variables): string | null | Promise<string | null> {
  const run: Run = {
    context,
    variables,
    made: [],
    promised: [],
    waiting: 0,
    failed: false,
    isConstant: false,
    end: null,
  };
  const text = select(undefined, run);
  if (run.failed) return null;
  if (run.waiting === 0) return text;
  return new Promise((resolve) => {
    run.end = () => resolve(run.failed ? null : fill(text, run.promised));
  });
}

/**
 * Notes that the answer is not to be used. The walk goes on nevertheless, as in the general executor: what it does not
 * visit could hold promises that reject with nobody listening.
 */
export function fail(run: Run): string {
  run.failed = true;
  run.end?.();
  return 'null';
}

/** What JSON does not take as it is, and halves of letters, which are written as escapes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/;

/** A text as JSON. Most need no more than a look. */
export function quote(text: string): string {
  return ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** Stands before and behind the number of a promised value, in its place. In JSON this letter is always escaped. */
const MARK = '\0';

/** Keeps the place of a promised value, and writes it when it comes. */
export function wait(run: Run, promise: PromiseLike<unknown>, complete: Complete): string {
  const number = run.promised.push('') - 1;
  run.waiting++;
  const settle = (value: unknown) => {
    try {
      run.promised[number] = complete(value, run);
    } catch {
      fail(run);
    }
    if (--run.waiting === 0) run.end?.();
  };
  // Not every thenable keeps a promise's rules, so that it becomes one first.
  Promise.resolve(promise).then(settle, () => fail(run));
  return MARK + number + MARK;
}

/** Puts promised values, and what was promised within them, into their places. */
function fill(text: string, promised: readonly string[]): string {
  if (!text.includes(MARK)) return text;
  const parts = text.split(MARK);
  return parts.map((part, at) => (at % 2 === 0 ? part : fill(promised[Number(part)] ?? '', promised))).join('');
}
