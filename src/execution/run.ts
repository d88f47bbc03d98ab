// What one run of a compiled operation keeps while it goes on, and what the generated code calls when things are unusual.
import type { Variables } from './variables.ts';

export type Run = {
  readonly context: unknown;
  readonly variables: Variables;
  /** Arguments and resolve infos that depend on the variables, by their numbers: made when first needed. */
  readonly made: unknown[];
  /** What stands elsewhere than in the text, by its number: what is promised ('' until it comes), and what was kept. */
  readonly pieces: (string | Buffer)[];
  /** How many promised values are still to come. */
  waiting: number;
  failed: boolean;
  /** Whether what is being written would be the same at any time, for anybody. */
  isConstant: boolean;
  /** Ends a run that waits: with null when it has failed, else with its text. Later calls do nothing. */
  end: (() => void) | null;
};

/** JSON in pieces, in their order: texts, and bytes of UTF-8 that were written before. */
export type Written = readonly (string | Buffer)[];

/** Writes a value as JSON. */
export type Complete = (value: unknown, run: Run) => string;

/** Writes what is selected of `source` as JSON. */
export type Select = (source: unknown, run: Run) => string;

/** Runs the selection of an operation; null when anything was not as usual. */
export function start(
  select: Select,
  context: unknown,
  variables: Variables,
): Written | null | Promise<Written | null> {
  const run: Run = {
    context,
    variables,
    made: [],
    pieces: [],
    waiting: 0,
    failed: false,
    isConstant: false,
    end: null,
  };
  const text = select(undefined, run);
  const written = () => (run.failed ? null : fill(text, run.pieces, []));
  if (run.failed || run.waiting === 0) return written();
  return new Promise((resolve) => {
    run.end = () => resolve(written());
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

/** Stands before and behind the number of a piece, in its place. In JSON this letter is always escaped. */
const MARK = '\0';

/** Keeps a place in the text for what is not in it. */
export function place(run: Run, piece: string | Buffer): string {
  return MARK + (run.pieces.push(piece) - 1) + MARK;
}

/** Keeps the place of a promised value, and writes it when it comes. */
export function wait(run: Run, promise: PromiseLike<unknown>, complete: Complete): string {
  const number = run.pieces.length;
  run.waiting++;
  const settle = (value: unknown) => {
    try {
      run.pieces[number] = complete(value, run);
    } catch {
      fail(run);
    }
    if (--run.waiting === 0) run.end?.();
  };
  // Not every thenable keeps a promise's rules, so that it becomes one first.
  Promise.resolve(promise).then(settle, () => fail(run));
  return place(run, '');
}

/** Puts pieces, and those within them, into their places. */
function fill(text: string, pieces: readonly (string | Buffer)[], written: (string | Buffer)[]): Written {
  let end = 0;
  for (let mark = text.indexOf(MARK); mark >= 0; mark = text.indexOf(MARK, end)) {
    if (mark > end) written.push(text.slice(end, mark));
    const numberEnd = text.indexOf(MARK, mark + 1);
    const piece = pieces[Number(text.slice(mark + 1, numberEnd))] ?? '';
    if (typeof piece === 'string') fill(piece, pieces, written);
    else written.push(piece);
    end = numberEnd + 1;
  }
  if (end < text.length) written.push(end === 0 ? text : text.slice(end));
  return written;
}
