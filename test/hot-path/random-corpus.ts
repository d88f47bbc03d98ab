// Operations that nobody has thought of, and what careless clients make of their variables; the same in every run.
import fc from 'fast-check';
import { type OperationKind, type RandomOperation, randomOperation } from '../limits/random-operation.ts';
import { SEED } from '../support/random-cases.ts';
import { type Ask, get, type Header, post } from './asks.ts';
import { as } from './operations-corpus.ts';

export type RandomOptions = {
  ids: readonly string[];
  cursorOf(id: string): string;
  /** How many of the kind, and how deep lists may be nested in them. */
  kind: OperationKind;
  count: number;
  depth: number;
};

const VIEWERS: readonly Header[][] = [[], [as('user_00001')], [as('user_00003')], [as('hermit')]];
/** How many of the operations in a row have right variables, and are by POST. */
const ROUND = 11;

/** By what they were made from: making them takes longer than asking them. */
const made = new Map<string, Ask[]>();

/** Most are right; of each round one is wrong in some way. */
export function randomAsks(options: RandomOptions): Ask[] {
  const { ids, cursorOf } = options;
  const key = JSON.stringify([options, ids.map(cursorOf)]);
  const asks = made.get(key) ?? makeAsks(options);
  made.set(key, asks);
  return asks;
}

function makeAsks({ ids, cursorOf, kind, count, depth }: RandomOptions): Ask[] {
  const operations = fc.sample(randomOperation(ids, cursorOf, depth, kind), { numRuns: count, seed: SEED + depth });
  return operations.map((operation, at) => {
    const name = `random ${kind} ${at}`;
    const headers = VIEWERS[at % VIEWERS.length] ?? [];
    if (at % ROUND === 0 && kind === 'query') return get(`${name} by GET`, operation, headers);
    const extensions = at % ROUND === 1 ? { cost: true } : undefined;
    return post(name, { ...operation, variables: variablesOf(operation, at), extensions }, headers);
  });
}

function variablesOf({ variables }: RandomOperation, at: number): Record<string, unknown> {
  const [name] = Object.keys(variables);
  if (name === undefined) return variables;
  const wrong: Record<number, unknown> = { 2: null, 3: { a: 1 }, 4: 'text', 5: [[1]], 6: undefined, 7: 1.5 };
  const turn = at % ROUND;
  if (turn === 8) return { ...variables, notDeclared: 'x' };
  // Half of the rounds are spared, so that most answers hold data.
  return turn in wrong && at % (2 * ROUND) < ROUND ? { ...variables, [name]: wrong[turn] } : variables;
}
