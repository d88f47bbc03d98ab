// The limits of a document and its variables: one that is too long, too deep or too full is refused before it runs.
import { maxAliasesPlugin } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthPlugin } from '@escape.tech/graphql-armor-max-depth';
import { maxDirectivesPlugin } from '@escape.tech/graphql-armor-max-directives';
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  Lexer,
  NoSchemaIntrospectionCustomRule,
  type SelectionSetNode,
  Source,
  TokenKind,
  validate,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import type { Config } from '../config.ts';
import { shorten, tooExpensive, withoutGuess } from './public-answer.ts';

/** How many mistakes of a document are answered: each costs time, and the first few say enough. */
const MAX_MISTAKES = 3;
/** How many selections there may be with each fragment in each place where it is spread. */
const MAX_SELECTIONS = 5000;
/** Validation compares fields of one name with each other, and fragments likewise. */
const MAX_PAIRS = 50_000;
/** The longest alias: each value of an answer may repeat it. */
const MAX_ALIAS_LETTERS = 100;
/** The longest text in a document or in its variables: cursors are the longest that we give, and much shorter. */
const MAX_TEXT = 32_768;
/** Far above what the inputs of this schema need. */
const MAX_VARIABLE_DEPTH = 20;
const MAX_VARIABLE_VALUES = 5000;

export function createLimits({ maxTokens, maxDepth, maxAliases, maxDirectives, introspection }: Config): Plugin[] {
  /** Yoga masks all errors but these, which repeat what the client sent. */
  const brief = ({ message, nodes, source, positions, extensions }: GraphQLError) =>
    new GraphQLError((introspection ? shorten : withoutGuess)(message), { nodes, source, positions, extensions });
  const refuse = (message: string) => ({
    onReject: [
      () => {
        throw tooExpensive(message);
      },
    ],
  });
  return [
    {
      onParams({ params, setParams }) {
        refuseVariables(params?.variables);
        // As in a URL, where there is no other way to leave it empty.
        if (params?.operationName === '') setParams({ ...params, operationName: undefined });
      },
    },
    {
      onParse: ({ parseFn, setParseFn }) =>
        setParseFn((source, options) => {
          refuseLong(source, maxTokens);
          return withinStack(() => refuseRepetition(parseFn(source, options)));
        }),
      onValidate({ addValidationRule, setValidationFn }) {
        setValidationFn((schema, document, rules) =>
          withinStack(() => validate(schema, document, rules, { maxErrors: MAX_MISTAKES })).map(brief),
        );
        addValidationRule(() => ({ StringValue: ({ value }: { value: string }) => refuseText(value) }));
        if (!introspection) addValidationRule(NoSchemaIntrospectionCustomRule);
      },
    },
    maxAliasesPlugin({ n: maxAliases, ...refuse(`The document has more than ${maxAliases} aliases.`) }),
    maxDirectivesPlugin({ n: maxDirectives, ...refuse(`The document has more than ${maxDirectives} directives.`) }),
    maxDepthPlugin({
      n: maxDepth,
      flattenFragments: true,
      ...refuse(`The operation is nested more than ${maxDepth} levels deep.`),
    }),
  ];
}

/** Counts tokens without parsing them, which would take most of what a long document costs. */
function refuseLong(source: string | Source, maxTokens: number): void {
  const lexer = new Lexer(typeof source === 'string' ? new Source(source) : source);
  for (let tokens = 0; lexer.advance().kind !== TokenKind.EOF; tokens++)
    if (tokens >= maxTokens) throw tooExpensive(`The document has more than ${maxTokens} tokens.`);
}

/** graphql parses and validates recursively: where MAX_TOKENS is high, a document can be nested deeper than the stack. */
function withinStack<R>(run: () => R): R {
  try {
    return run();
  } catch (error) {
    throw error instanceof RangeError ? tooExpensive('The document is nested too deep.') : error;
  }
}

/** Refuses a document whose fragments go in circles or multiply, or which repeats itself. */
function refuseRepetition(document: DocumentNode): DocumentNode {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  /** Selections of the fragments that have been counted; null of those that are being counted. */
  const counts = new Map<string, number | null>();
  const times = new Map<string, number>();
  let pairs = 0;

  function repeat(name: string): void {
    const before = times.get(name) ?? 0;
    times.set(name, before + 1);
    pairs += before;
    if (pairs > MAX_PAIRS) throw tooExpensive('The document repeats a field, or spreads fragments, too many times.');
  }

  function countFragment(name: string): number {
    const known = counts.get(name);
    const fragment = fragments.get(name);
    if (known !== undefined && known !== null) return known;
    if (!fragment) return 0;
    if (known === null) {
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
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        repeat('...');
        count += countFragment(selection.name.value);
        continue;
      }
      if (selection.kind === Kind.FIELD) {
        if (selection.alias && selection.alias.value.length > MAX_ALIAS_LETTERS)
          throw tooExpensive(`There is an alias of more than ${MAX_ALIAS_LETTERS} letters.`);
        repeat((selection.alias ?? selection.name).value);
      }
      if (selection.selectionSet) count += countIn(selection.selectionSet);
    }
    return count;
  }

  let selections = 0;
  for (const definition of document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) selections += countIn(definition.selectionSet);
    else if (definition.kind === Kind.FRAGMENT_DEFINITION) countFragment(definition.name.value);
  }
  if (selections > MAX_SELECTIONS)
    throw tooExpensive(`The document selects more than ${MAX_SELECTIONS} times with its fragments spread.`);
  return document;
}

function refuseText(text: string): void {
  if (text.length > MAX_TEXT) throw tooExpensive(`There is a text of more than ${MAX_TEXT} characters.`);
}

/** Refuses variables that are too large for any type, before GraphQL goes through them. */
function refuseVariables(variables: unknown): void {
  let level: unknown[] = [variables];
  let values = 0;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_VARIABLE_DEPTH)
      throw tooExpensive(`The variables are nested more than ${MAX_VARIABLE_DEPTH} levels deep.`);
    for (const value of level) if (typeof value === 'string') refuseText(value);
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []));
    values += level.length;
    if (values > MAX_VARIABLE_VALUES) throw tooExpensive(`The variables have more than ${MAX_VARIABLE_VALUES} values.`);
  }
}

/**
 * Where Yoga keeps what it made of documents, by their text. It would keep as many of any size; a parsed one takes some 40
 * bytes for each letter.
 */
export function documentCache<V extends object>(): LRUCache<string, V> {
  return new LRUCache({ max: 1000, maxSize: 500_000, sizeCalculation: (_value, text) => text.length + 1 });
}
