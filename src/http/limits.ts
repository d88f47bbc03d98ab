// Documents that are too long or too deep are refused before anything else looks at them.
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import {
  GraphQLError,
  Lexer,
  NoSchemaIntrospectionCustomRule,
  type ParseOptions,
  parse,
  Source,
  TokenKind,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { shorten } from '../errors.ts';

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

function tooExpensive(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'OPERATION_TOO_EXPENSIVE' } });
}

/** What documents may be and ask for. */
export function createLimits(limits: { maxTokens: number; maxDepth: number; introspection: boolean }): Plugin {
  const boundedParse = createBoundedParse(limits.maxTokens);
  const depthRule = createDepthRule(limits.maxDepth);
  return {
    onParse: ({ setParseFn }) => setParseFn(boundedParse),
    onValidate({ addValidationRule }) {
      addValidationRule(depthRule);
      if (!limits.introspection) addValidationRule(NoSchemaIntrospectionCustomRule);
    },
  };
}

/** graphql's `parse`, which gives up with `OPERATION_TOO_EXPENSIVE` after `maxTokens` tokens or much too deep inside. */
export function createBoundedParse(maxTokens: number) {
  return (source: string | Source, options?: ParseOptions) =>
    parse(source, {
      ...options,
      lexer: createBoundedLexer(typeof source === 'string' ? new Source(source) : source, maxTokens),
    });
}

/** A validation rule: an operation may be nested `maxDepth` levels deep, fragments included. */
export function createDepthRule(maxDepth: number): ValidationRule {
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
    reportBriefly(context);
    return depthRule(context);
  };
}

function createBoundedLexer(source: Source, maxTokens: number): Lexer {
  const lexer = new Lexer(source);
  const advance = lexer.advance.bind(lexer);
  let tokens = 0;
  let nesting = 0;
  lexer.advance = () => {
    const token = advance();
    tokens += 1;
    nesting += NESTS[token.kind] ?? 0;
    if (tokens > maxTokens && token.kind !== TokenKind.EOF)
      throw tooExpensive(`The document has more than ${maxTokens} tokens.`);
    if (nesting > MAX_NESTING) throw tooExpensive(`The document nests brackets more than ${MAX_NESTING} levels deep.`);
    return token;
  };
  return lexer;
}

/** Makes all rules of a validation report without the client's own text in full: they share the context. */
function reportBriefly(context: ValidationContext): void {
  const report = context.reportError.bind(context);
  context.reportError = (error) => {
    const { nodes, source, positions, extensions } = error;
    report(new GraphQLError(shorten(error.message), { nodes, source, positions, extensions }));
  };
}
