// Writes an operation as JavaScript that writes its answer as JSON: a function for each selection set, which calls the
// resolvers one after the other, and one for each value to be completed. So every call has one target, which is what V8
// makes fast, and no object is made of an answer that is a text in the end.
import {
  type FieldNode,
  type GraphQLAbstractType,
  type GraphQLField,
  type GraphQLList,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { type Collecting, collectFields } from './collect.ts';
import { argumentsOf, type Field, infoOf, type Operation } from './field.ts';
import { textAtOnce } from './leaf.ts';
import { fail, place, quote, type Select, wait } from './run.ts';
import type { Texts } from './texts.ts';
import type { Variables } from './variables.ts';

/** Nested fragments can make a short document a huge program, although a run would reach few of its fields. */
const MOST_FIELDS = 1000;

const NAME = /^[_A-Za-z][_0-9A-Za-z]*$/;
const NO_VARIABLES: Variables = {};

/** JavaScript that answers the function of the root selection, and the values that it calls p0, p1 and so on. */
export type Program = { readonly text: string; readonly parts: readonly unknown[]; readonly fieldCount: number };

/** Where a value comes from. `info`: the expression for its field's resolve info. */
type Origin = { readonly nodes: readonly FieldNode[]; readonly info: string; readonly isConstant: boolean };

export function load({ text, parts }: Program): Select {
  return new Function('wait', 'place', 'fail', 'quote', 'parts', text)(wait, place, fail, quote, parts);
}

/** Throws where an operation has what only the general executor can run. With `texts`, lists that are constant are kept. */
export function writeProgram(planned: Operation & Collecting & { readonly texts: Texts | null }): Program {
  const { schema, operation, texts } = planned;
  const hasVariables = (operation.variableDefinitions ?? []).length > 0;
  const functions: string[] = [];
  const parts: unknown[] = [];
  let madeInRun = 0;
  let isInKept = false;
  let fieldCount = 0;

  const use = (part: unknown) => `p${parts.push(part) - 1}`;

  /** A value that may depend on the variables: then each run makes it when it first needs it. */
  function useMade(make: (variables: Variables) => object): string {
    if (!hasVariables) return use(make(NO_VARIABLES));
    return `(run.made[${madeInRun++}] ??= ${use(make)}(run.variables))`;
  }

  /** Adds a function, whose body may call itself, and answers its name. */
  function define(parameters: string, writeBody: (self: string) => string): string {
    const index = functions.push('') - 1;
    const self = `f${index}`;
    functions[index] = `function ${self}(${parameters}) {\n${writeBody(self)}\n}`;
    return self;
  }

  /** `(source, run) => text` */
  function writeSelection(type: GraphQLObjectType, nodes: readonly Pick<FieldNode, 'selectionSet'>[]): string {
    if (type.isTypeOf) throw new Error(`${type.name} checks each of its objects, which is not compiled.`);
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    const fields = [...collectFields(planned, type, sets)];
    fieldCount += fields.length;
    if (fieldCount > MOST_FIELDS) throw new Error(`More than ${MOST_FIELDS} fields are not compiled.`);
    return define('source, run', () => {
      const values = fields.map(([, nodes], index) =>
        nodes[0].name.value === '__typename'
          ? `const v${index} = ${literal(JSON.stringify(type.name))};`
          : `let v${index}; try { v${index} = ${writeField(type, nodes)}; } catch { v${index} = fail(run); }`,
      );
      const entries = fields.map(([key], at) => `${literal(`${at === 0 ? '' : ','}${JSON.stringify(key)}:`)} + v${at}`);
      return `const { context } = run;
        const hasProperties = typeof source === 'object' || typeof source === 'function';
        let property;
        ${values.join('\n')}
        return ${['"{"', ...entries, '"}"'].join(' + ')};`;
    });
  }

  /** An expression for the text of a field's value. */
  function writeField(parentType: GraphQLObjectType, nodes: Field['nodes']): string {
    const name = nodes[0].name.value;
    const definition = parentType.getFields()[name];
    if (!definition || !NAME.test(name)) throw new Error(`${parentType.name} has no field ${name}.`);
    const field: Field = { parentType, definition, nodes };
    const given = useMade(argumentsOf(field));
    const info = useMade((variables) => infoOf(planned, field, variables));
    const constant = constancyOf(definition);
    const note = texts && typeof constant === 'function' ? `run.isConstant &&= ${use(constant)}(source), ` : '';
    const resolved = definition.resolve
      ? `${use(definition.resolve)}(source, ${given}, context, ${info})`
      : `!hasProperties ? undefined : typeof (property = source.${name}) === 'function' ? property.call(source, ${given}, context, ${info}) : property`;
    const complete = writeCompletion(definition.type, { nodes, info, isConstant: constant !== null });
    return `(${note}${complete}(${resolved}, run))`;
  }

  /** `(value, run) => text` */
  function writeCompletion(type: GraphQLOutputType, origin: Origin): string {
    const nullable = isNonNullType(type) ? type.ofType : type;
    return define(
      'value, run',
      (self) =>
        `${isLeafType(nullable) ? textAtOnce(nullable) : ''}
        if (value == null) return ${isNonNullType(type) ? 'fail(run)' : '"null"'};
        if (typeof value.then === 'function') return wait(run, value, ${self});
        if (value instanceof Error) return fail(run);
        ${writePresent(nullable, origin)}`,
    );
  }

  /** Statements that return the text of a `value` that is there. */
  function writePresent(type: GraphQLOutputType, origin: Origin): string {
    if (isListType(type)) return writeList(type, origin);
    if (isObjectType(type)) return `return ${writeSelection(type, origin.nodes)}(value, run);`;
    if (isAbstractType(type)) return writeAbstract(type, origin);
    // A leaf that JSON has no text for is left out where it stands in an object, which is for others to do.
    return `const leaf = ${use(type)}.serialize(value);
      if (typeof leaf === 'string') return quote(leaf);
      return leaf == null || typeof leaf.then === 'function' ? fail(run) : JSON.stringify(leaf) ?? fail(run);`;
  }

  function writeList({ ofType }: GraphQLList<GraphQLOutputType>, origin: Origin): string {
    const isKept =
      texts !== null && !isInKept && origin.isConstant && isConstantSelection(getNamedType(ofType), origin.nodes);
    // Within a list that is kept, others are parts of it.
    isInKept ||= isKept;
    const complete = writeCompletion(ofType, origin);
    if (isKept) isInKept = false;
    const write = `let text = '[';
      for (let index = 0; index < items.length; index++) {
        if (index > 0) text += ',';
        try { text += ${complete}(items[index], run); } catch { text += fail(run); }
      }
      text += ']';`;
    return `if (typeof value !== 'object' || typeof value[Symbol.iterator] !== 'function') return fail(run);
      const items = Array.isArray(value) ? value : Array.from(value);
      ${isKept ? writeKept(texts, write) : write}
      return text;`;
  }

  /** A list that is the same object, and of which only what never changes is selected, is the same text. */
  function writeKept(texts: Texts, write: string): string {
    const [memory, selection] = [use(texts), texts.newSelection()];
    return `const known = ${memory}.find(items, ${selection});
      if (known !== undefined) return place(run, known);
      const before = run.pieces.length;
      run.isConstant = true;
      ${write}
      if (run.isConstant && !run.failed && run.pieces.length === before) ${memory}.keep(items, ${selection}, text);`;
  }

  /** Whether what is selected of an object depends on that object alone. */
  function isConstantSelection(type: GraphQLNamedType, nodes: readonly FieldNode[]): boolean {
    if (isLeafType(type)) return true;
    if (!isObjectType(type)) return false;
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    return [...collectFields(planned, type, sets).values()].every(([node, ...others]) => {
      const definition = type.getFields()[node.name.value];
      if (!definition) return node.name.value === '__typename';
      return constancyOf(definition) !== null && isConstantSelection(getNamedType(definition.type), [node, ...others]);
    });
  }

  function writeAbstract(type: GraphQLAbstractType, { nodes, info }: Origin): string {
    if (!type.resolveType) throw new Error(`${type.name} leaves it to its types to recognize their objects.`);
    const cases = schema
      .getPossibleTypes(type)
      .map(
        (possible) => `case ${JSON.stringify(possible.name)}: return ${writeSelection(possible, nodes)}(value, run);`,
      );
    const select = define('name, value, run', () => `switch (name) { ${cases.join('\n')} default: return fail(run); }`);
    const abstract = use(type);
    return `const name = ${abstract}.resolveType(value, run.context, ${info}, ${abstract});
      return typeof name?.then === 'function'
        ? wait(run, name, (name) => ${select}(name, value, run))
        : ${select}(name, value, run);`;
  }

  const main = writeSelection(schema.getQueryType() as GraphQLObjectType, [operation]);
  const names = parts.map((_, index) => `p${index}`);
  return {
    text: `'use strict';\nconst [${names.join(', ')}] = parts;\n${functions.join('\n')}\nreturn ${main};`,
    parts,
    fieldCount,
  };
}

/** A text as it stands in JavaScript. */
const literal = (text: string): string => JSON.stringify(text);

/**
 * What a field's extension `constant` says: that its value depends on its source alone, which never changes, or for which
 * sources that is so. Null: it may depend on anything.
 */
function constancyOf({
  extensions,
  args,
}: GraphQLField<unknown, unknown>): true | ((source: unknown) => boolean) | null {
  const { constant } = extensions as { constant?: true | ((source: unknown) => boolean) };
  return args.length === 0 ? (constant ?? null) : null;
}
