// What decides, for each run anew, which of an operation's selections are made: the variables in @skip and @include.
import type { DirectiveNode, FragmentDefinitionNode, SelectionNode, SelectionSetNode } from 'graphql';

export type Fragments = { readonly [name: string]: FragmentDefinitionNode | undefined };

/** The values of the variables that stand in conditions. Where one is missing, its conditions leave nothing out. */
export type Choice = ReadonlyMap<string, boolean>;

/** Each of them doubles the variants that may be compiled. */
const MOST_CONDITIONS = 4;

const INTROSPECTION = ['__schema', '__type'];

export function isIncluded({ directives }: SelectionNode, choice: Choice): boolean {
  return !directives?.some((directive) => conditionOf(directive, choice) === (directive.name.value === 'skip'));
}

function conditionOf(directive: DirectiveNode, choice: Choice): boolean | undefined {
  const value = directive.arguments?.[0]?.value;
  if (value?.kind === 'Variable') return choice.get(value.name.value);
  return value?.kind === 'BooleanValue' ? value.value : undefined;
}

/** The variables that stand in conditions below a selection set. Throws where that has what is not compiled. */
export function conditionsOf(root: SelectionSetNode, fragments: Fragments): readonly string[] {
  const variables = new Set<string>();
  const visited = new Set<string>();

  function visit(selection: SelectionNode): void {
    for (const { name, arguments: given = [] } of selection.directives ?? []) {
      if (name.value !== 'skip' && name.value !== 'include') throw new Error(`@${name.value} is not compiled.`);
      for (const { value } of given) if (value.kind === 'Variable') variables.add(value.name.value);
    }
    if (selection.kind !== 'FragmentSpread') {
      if (selection.kind === 'Field' && INTROSPECTION.includes(selection.name.value))
        throw new Error('Introspection is not compiled.');
      selection.selectionSet?.selections.forEach(visit);
    } else if (!visited.has(selection.name.value)) {
      visited.add(selection.name.value);
      fragments[selection.name.value]?.selectionSet.selections.forEach(visit);
    }
  }

  root.selections.forEach(visit);
  if (variables.size > MOST_CONDITIONS) throw new Error(`More than ${MOST_CONDITIONS} conditions are not compiled.`);
  return [...variables];
}
