// Documents that are too long, too deep or too full are refused before anything else looks at them.
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import {
  type DocumentNode,
  GraphQLError,
  Lexer,
  NoSchemaIntrospectionCustomRule,
  type ParseOptions,
  parse,
  type SelectionSetNode,
  Source,
  TokenKind,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { shorten, withoutGuess } from '../errors.ts';

/**
 * How deep brackets of any kind may be nested, whether they select, pass lists and objects, or name list types. Far
 * above what a document within the depth limit needs, far below what overflows a recursive parser or validator.
 */
const MAX_NESTING = 250;

const NESTS: { [kind in TokenKind]?: 1 | -1 } = {
  [TokenKind.BRACE_L]: 1,
  [TokenKind.BRACKET_L]: 1,
  [TokenKind.PAREN_L]: 1,
  [TokenKind.BRACE_R]: -1,
  [TokenKind.BRACKET_R]: -1,
  [TokenKind.PAREN_R]: -1,
};

/**
 * How often one set of fields may repeat names, and how many fragments it may spread: validation compares each with each.
 */
const MAX_REPEATS = 100;

export type DocumentLimits = { maxTokens: number; maxAliases: number; maxDirectives: number };

export function tooExpensive(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'OPERATION_TOO_EXPENSIVE' } });
}

/** What documents may be and ask for. */
export function createLimits(limits: DocumentLimits & { maxDepth: number; introspection: boolean }): Plugin {
  const boundedParse = createBoundedParse(limits);
  const depthRule = createDepthRule(limits.maxDepth, limits.introspection ? shorten : withoutGuess);
  return {
    onParse: ({ setParseFn }) => setParseFn(boundedParse),
    onValidate({ addValidationRule }) {
      addValidationRule(depthRule);
      if (!limits.introspection) addValidationRule(NoSchemaIntrospectionCustomRule);
    },
  };
}

/** graphql's `parse`, which gives up with `OPERATION_TOO_EXPENSIVE` as soon as a limit is passed. */
export function createBoundedParse(limits: DocumentLimits) {
  return (source: string | Source, options?: ParseOptions): DocumentNode => {
    const lexer = createBoundedLexer(typeof source === 'string' ? new Source(source) : source, limits);
    const document = parse(source, { ...options, lexer });
    for (const definition of document.definitions)
      if ('selectionSet' in definition) refuseRepeats(definition.selectionSet);
    return document;
  };
}

/** A name that is asked for twice is legitimate where fragments meet; a hundred times it serves nobody. */
function refuseRepeats({ selections }: SelectionSetNode): void {
  const names = new Set<string>();
  let others = 0;
  for (const selection of selections) {
    if (selection.kind === 'Field') names.add((selection.alias ?? selection.name).value);
    else others++;
    if (selection.kind !== 'FragmentSpread' && selection.selectionSet) refuseRepeats(selection.selectionSet);
  }
  const fields = selections.length - others;
  if (fields - names.size > MAX_REPEATS || others > MAX_REPEATS)
    throw tooExpensive(`Fields or fragments are repeated more than ${MAX_REPEATS} times in one place.`);
}

/** A validation rule: an operation may be nested `maxDepth` levels deep, fragments included. */
export function createDepthRule(maxDepth: number, brief = shorten): ValidationRule {
  const depthRule = maxDepthRule({
    n: maxDepth,
    flattenFragments: true,
    // Reported like any other validation error instead of thrown, so that the answer keeps its shape.
    propagateOnRejection: false,
    onReject: [
      (context) => context?.reportError(tooExpensive(`The operation is nested more than ${maxDepth} levels deep.`)),
    ],
  });
  return (context) => {
    reportBriefly(context, brief);
    return depthRule(context);
  };
}

function createBoundedLexer(source: Source, { maxTokens, maxAliases, maxDirectives }: DocumentLimits): Lexer {
  const lexer = new Lexer(source);
  const advance = lexer.advance.bind(lexer);
  let tokens = 0;
  let nesting = 0;
  let parentheses = 0;
  let aliases = 0;
  let directives = 0;
  lexer.advance = () => {
    const token = advance();
    tokens += 1;
    const nests = NESTS[token.kind] ?? 0;
    nesting += nests;
    if (token.kind === TokenKind.PAREN_L || token.kind === TokenKind.PAREN_R) parentheses += nests;
    // A colon among fields is an alias; all others stand in parentheses.
    else if (token.kind === TokenKind.COLON && parentheses === 0) aliases++;
    else if (token.kind === TokenKind.AT) directives++;
    if (tokens > maxTokens && token.kind !== TokenKind.EOF)
      throw tooExpensive(`The document has more than ${maxTokens} tokens.`);
    if (nesting > MAX_NESTING) throw tooExpensive(`The document nests brackets more than ${MAX_NESTING} levels deep.`);
    if (aliases > maxAliases) throw tooExpensive(`The document has more than ${maxAliases} aliases.`);
    if (directives > maxDirectives) throw tooExpensive(`The document has more than ${maxDirectives} directives.`);
    return token;
  };
  return lexer;
}

/** Makes all rules of a validation report without the client's own text in full: they share the context. */
function reportBriefly(context: ValidationContext, brief: typeof shorten): void {
  const report = context.reportError.bind(context);
  context.reportError = (error) => {
    const { nodes, source, positions, extensions } = error;
    report(new GraphQLError(brief(error.message), { nodes, source, positions, extensions }));
  };
}
