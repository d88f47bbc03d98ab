// How much work a document makes for validation and execution, found out in less than either would take.
import { type DocumentNode, type FragmentDefinitionNode, GraphQLError, Kind, type SelectionSetNode } from 'graphql';
import { tooExpensive } from '../http/too-expensive.ts';

/** How many selections there may be with each fragment in each place where it is spread. */
const MOST_SELECTIONS = 5000;

/** How many fragments there may be: each may spread the next, and whoever follows them goes as deep. */
const MOST_FRAGMENTS = 2000;

/** Validation compares fields of one name with each other, and fragments side by side: so many pairs are enough. */
const MOST_PAIRS = 5000;
/** Two fragments are compared field by field, and with those that they spread. */
const PAIRS_PER_FRAGMENTS = 4;

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

/** Throws when a document is out of proportion: its fragments go in circles or multiply, or it repeats itself. */
export function refuseHeavy({ definitions }: DocumentNode): void {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  if (fragments.size > MOST_FRAGMENTS) throw tooExpensive(`The document has more than ${MOST_FRAGMENTS} fragments.`);
  const count = createCount(fragments);
  const compare = createComparison(fragments);
  let selections = 0;
  for (const definition of definitions) {
    if (!('selectionSet' in definition)) continue;
    const inIt = count(definition.selectionSet);
    if (definition.kind === Kind.OPERATION_DEFINITION) selections += inIt;
  }
  if (selections > MOST_SELECTIONS)
    throw tooExpensive(`The document selects more than ${MOST_SELECTIONS} times with its fragments spread.`);
  for (const definition of definitions)
    if ('selectionSet' in definition) compare([definition.selectionSet], definition.kind === Kind.OPERATION_DEFINITION);
}

/** Makes what counts selections, those of fragments again for each spread; it looks at each fragment only once. */
function createCount(fragments: Fragments): (set: SelectionSetNode) => number {
  const counts = new Map<string, number | null>();

  function countFragment(name: string): number {
    const known = counts.get(name);
    if (known) return known;
    const fragment = fragments.get(name);
    if (!fragment) return 0;
    if (known === null) {
      // As validation would say it, after it has gone through all of the document.
      const message = `Cannot spread fragment "${name.slice(0, 100)}" within itself.`;
      throw new GraphQLError(message, { nodes: fragment.name, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } });
    }
    counts.set(name, null);
    const count = countIn(fragment.selectionSet);
    counts.set(name, count);
    return count;
  }

  function countIn({ selections }: SelectionSetNode): number {
    let count = selections.length;
    for (const selection of selections) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) count += countFragment(selection.name.value);
      else if (selection.selectionSet) count += countIn(selection.selectionSet);
    }
    return count;
  }
  return countIn;
}

/** Makes what goes through selection sets as they are merged, and gives up when it meets too much of the same. */
function createComparison(fragments: Fragments): (sets: readonly SelectionSetNode[], spreads: boolean) => void {
  let pairs = 0;

  function add(more: number): void {
    pairs += more;
    if (pairs > MOST_PAIRS) throw tooExpensive('The document repeats a field, or spreads fragments, too many times.');
  }

  /** Sets that make one object; of a fragment by itself, only what stands there. */
  function compare(sets: readonly SelectionSetNode[], spreads: boolean): void {
    const fields = new Map<string, { times: number; inside: SelectionSetNode[] }>();
    const spread = new Set<string>();
    for (const set of sets) collect(set);
    for (const { inside } of fields.values()) if (inside.length > 0) compare(inside, spreads);

    function collect({ selections }: SelectionSetNode): void {
      let others = 0;
      for (const selection of selections) {
        if (selection.kind === Kind.FIELD) {
          const name = (selection.alias ?? selection.name).value;
          const field = fields.get(name) ?? { times: 0, inside: [] };
          if (field.times === 0) fields.set(name, field);
          add(field.times++);
          if (selection.selectionSet) field.inside.push(selection.selectionSet);
          continue;
        }
        add(PAIRS_PER_FRAGMENTS * others++);
        if (selection.kind === Kind.INLINE_FRAGMENT) collect(selection.selectionSet);
        else if (spreads && !spread.has(selection.name.value)) {
          spread.add(selection.name.value);
          const fragment = fragments.get(selection.name.value);
          if (fragment) collect(fragment.selectionSet);
        }
      }
    }
  }
  return compare;
}
