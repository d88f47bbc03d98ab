// Documents that are too long, too deep or too full are refused before anything else looks at them.
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import {
  type DocumentNode,
  GraphQLError,
  Lexer,
  NoSchemaIntrospectionCustomRule,
  type ParseOptions,
  parse,
  Source,
  TokenKind,
  type ValidationContext,
  type ValidationRule,
  validate,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { shorten, withoutGuess } from '../errors.ts';
import { tooExpensive } from '../http/too-expensive.ts';
import { refuseHeavy } from './document-weight.ts';

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

/** The longest text in a document or in its variables: cursors are the longest that we give, and much shorter. */
export const LONGEST_TEXT = 32_768;

/** How many names there may be in one place beside those that aliases take: types have far fewer fields. */
const MOST_NAMES = 200;

/** How many mistakes of a document are told: each costs time, and the first few say enough. */
const MOST_MISTAKES = 10;

export type DocumentLimits = { maxTokens: number; maxAliases: number; maxDirectives: number };

/** What documents may be and ask for. */
export function createLimits(limits: DocumentLimits & { maxDepth: number; introspection: boolean }): Plugin {
  const boundedParse = createBoundedParse(limits);
  const depthRule = createDepthRule(limits.maxDepth, limits.introspection ? shorten : withoutGuess);
  return {
    onParse: ({ setParseFn }) => setParseFn(boundedParse),
    onValidate({ addValidationRule, setValidationFn }) {
      setValidationFn((schema, document, rules) => validate(schema, document, rules, { maxErrors: MOST_MISTAKES }));
      addValidationRule(depthRule);
      if (!limits.introspection) addValidationRule(NoSchemaIntrospectionCustomRule);
    },
  };
}

/** graphql's `parse`, which gives up with `OPERATION_TOO_EXPENSIVE` as soon as a limit is passed. */
export function createBoundedParse(limits: DocumentLimits) {
  return (source: string | Source, options?: ParseOptions): DocumentNode => {
    const lexer = createBoundedLexer(typeof source === 'string' ? new Source(source) : source, limits);
    try {
      const document = parse(source, { ...options, lexer });
      refuseHeavy(document);
      return document;
    } catch (error) {
      throw coded(error);
    }
  };
}

/** What Yoga adds to such an error, but only to one that it meets in a request of its own: it may be met elsewhere first. */
function coded(error: unknown): unknown {
  if (!(error instanceof GraphQLError)) return error;
  const { message, source, positions, extensions } = error;
  const http = { spec: true, status: 400 };
  return new GraphQLError(message, {
    source,
    positions,
    extensions: { code: 'GRAPHQL_PARSE_FAILED', http, ...extensions },
  });
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
  /** Names in each of the places that are open. */
  const names = [0];
  let directives = 0;
  lexer.advance = () => {
    const token = advance();
    tokens += 1;
    const nests = NESTS[token.kind] ?? 0;
    nesting += nests;
    if (token.kind === TokenKind.NAME && parentheses === 0 && nesting > 0) {
      const here = (names[nesting] as number) + 1;
      names[nesting] = here;
      if (here > MOST_NAMES + 2 * aliases)
        throw tooExpensive(`The document has more than ${MOST_NAMES} names in one place.`);
    } else if (nests > 0) names[nesting] = 0;
    if (token.kind === TokenKind.PAREN_L || token.kind === TokenKind.PAREN_R) parentheses += nests;
    // A colon among fields is an alias; all others stand in parentheses.
    else if (token.kind === TokenKind.COLON && parentheses === 0) aliases++;
    else if (token.kind === TokenKind.AT) directives++;
    else if ((token.value?.length ?? 0) > LONGEST_TEXT && token.kind !== TokenKind.NAME)
      throw tooExpensive(`The document has a text of more than ${LONGEST_TEXT} characters.`);
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
    const message = brief(error.message);
    report(message === error.message ? error : new GraphQLError(message, { nodes, source, positions, extensions }));
  };
}
