// Reads an operation as its execution will: which fields run, and with what arguments.
import type { DirectiveNode, FieldNode, FragmentDefinitionNode, SelectionNode, ValueNode } from 'graphql';

/** The value of a variable that is not known yet. */
export const UNKNOWN = Symbol('unknown');

export type Reader = {
  /** The fields of some selections, fragments spread, without those that are skipped. */
  fieldsOf(parents: readonly FieldNode[]): FieldNode[];
  /** An argument: undefined when left out, or `UNKNOWN`. A number in the document is text, since it may be an id. */
  argument(field: FieldNode, name: string): unknown;
  /** Names a value, so that the same values have the same name. */
  nameOf(field: FieldNode, argument: string): string;
};

/** Makes a reader; without `variables` their values are unknown. `onSelection` is called for each that is looked at. */
export function createReader(
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  variables: Readonly<Record<string, unknown>> | null,
  onSelection: () => void,
): Reader {
  function readValue(node: ValueNode): unknown {
    switch (node.kind) {
      case 'Variable':
        if (!variables) return UNKNOWN;
        // A client chooses the name: `constructor` is not what every object has.
        return Object.hasOwn(variables, node.name.value) ? variables[node.name.value] : undefined;
      case 'ListValue':
        return node.values.map(readValue);
      case 'ObjectValue':
        return Object.fromEntries(node.fields.map(({ name, value }) => [name.value, readValue(value)]));
      case 'NullValue':
        return null;
      default:
        return node.value;
    }
  }

  const isSkipped = ({ name, arguments: [condition] = [] }: DirectiveNode): boolean => {
    const skips = name.value === 'skip';
    if (!condition || (!skips && name.value !== 'include')) return false;
    return readValue(condition.value) === skips;
  };

  function collect(selections: readonly SelectionNode[], into: FieldNode[], spread: Set<string>): void {
    for (const selection of selections) {
      onSelection();
      if (selection.directives?.some(isSkipped)) continue;
      if (selection.kind === 'Field') into.push(selection);
      else if (selection.kind === 'InlineFragment') collect(selection.selectionSet.selections, into, spread);
      else if (!spread.has(selection.name.value)) {
        spread.add(selection.name.value);
        collect(fragments.get(selection.name.value)?.selectionSet.selections ?? [], into, spread);
      }
    }
  }

  const nodeOf = (field: FieldNode, argument: string) =>
    field.arguments?.find(({ name }) => name.value === argument)?.value;

  const reader: Reader = {
    fieldsOf(parents) {
      const fields: FieldNode[] = [];
      // Each parent is executed by itself, so that the same fragment counts once for each.
      for (const { selectionSet } of parents) if (selectionSet) collect(selectionSet.selections, fields, new Set());
      return fields;
    },
    argument(field, name) {
      const node = nodeOf(field, name);
      return node && readValue(node);
    },
    nameOf(field, argument) {
      const value = reader.argument(field, argument);
      if (value !== UNKNOWN) return value == null ? '' : `=${String(value)}`;
      const node = nodeOf(field, argument);
      return node?.kind === 'Variable' ? `$${node.name.value}` : '';
    },
  };
  return reader;
}
