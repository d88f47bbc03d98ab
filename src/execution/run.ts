// What one run of a compiled operation keeps while it goes on, and what the generated code calls when things are unusual.
import type { Variables } from './variables.ts';

/** An object or a list of the answer. */
export type Target = { [key: string | number]: unknown };

/** A place in the answer whose value is promised. Its target is made right after it, and claims it then. */
type Place = { target: Target | null; readonly key: string | number };

export type Run = {
  readonly context: unknown;
  readonly variables: Variables;
  /** Arguments and resolve infos that depend on the variables, by their numbers: made when first needed. */
  readonly made: unknown[];
  /** Places of the target that is being made. Those of its children are claimed already when it is done. */
  readonly unclaimed: Place[];
  /** How many promised values are still to come. */
  waiting: number;
  failed: boolean;
  /** Ends a run that waits: with null when it has failed, else with its data. Later calls do nothing. */
  end: (() => void) | null;
};

/** Brings a value into the answer's shape. */
export type Complete = (value: unknown, run: Run, key: string | number) => unknown;

export type Select<Data> = (source: unknown, run: Run) => Data;

/** Runs the selection of an operation; null when anything was not as usual. */
export function start<Data>(
  select: Select<Data>,
  context: unknown,
  variables: Variables,
): Data | null | Promise<Data | null> {
  const run: Run = { context, variables, made: [], unclaimed: [], waiting: 0, failed: false, end: null };
  const data = select(undefined, run);
  if (run.failed) return null;
  if (run.waiting === 0) return data;
  return new Promise((resolve) => {
    run.end = () => resolve(run.failed ? null : data);
  });
}

/**
 * Notes that the answer is not to be used. The walk goes on nevertheless, as in the general executor: what it does not
 * visit could hold promises that reject with nobody listening.
 */
export function fail(run: Run): null {
  run.failed = true;
  run.end?.();
  return null;
}

/** Fills in a promised value when it comes; until then null holds its place, and thereby the order of the keys. */
export function wait(run: Run, promise: PromiseLike<unknown>, complete: Complete, key: string | number): null {
  const place: Place = { target: null, key };
  run.unclaimed.push(place);
  run.waiting++;
  const settle = (value: unknown) => {
    // Set by now: a promise never answers in the tick in which it is asked.
    const target = place.target as Target;
    try {
      target[key] = complete(value, run, key);
      claim(run, 0, target);
    } catch {
      fail(run);
    }
    if (--run.waiting === 0) run.end?.();
  };
  // Not every thenable keeps a promise's rules, so that it becomes one first.
  Promise.resolve(promise).then(settle, () => fail(run));
  return null;
}

/** Makes `target` the one that the places from `mark` on belong to. */
export function claim({ unclaimed }: Run, mark: number, target: Target): void {
  while (unclaimed.length > mark) (unclaimed.pop() as Place).target = target;
}
