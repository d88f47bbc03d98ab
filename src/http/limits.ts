// Documents that are too long or too deep are refused before anything else looks at them.
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth';
import { GraphQLError, type ParseOptions, parse, type Source, type ValidationRule } from 'graphql';

function tooExpensive(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'OPERATION_TOO_EXPENSIVE' } });
}

/** graphql's `parse`, which gives up with `OPERATION_TOO_EXPENSIVE` after `maxTokens` tokens. */
export function createBoundedParse(maxTokens: number) {
  return (source: string | Source, options?: ParseOptions) => {
    try {
      return parse(source, { ...options, maxTokens });
    } catch (error) {
      if (error instanceof GraphQLError && error.message.includes(`more than ${maxTokens} tokens`)) {
        throw tooExpensive(`The document has more than ${maxTokens} tokens.`);
      }
      throw error;
    }
  };
}

/** A validation rule: an operation may be nested `maxDepth` levels deep, fragments included. */
export function createDepthRule(maxDepth: number): ValidationRule {
  return maxDepthRule({
    n: maxDepth,
    flattenFragments: true,
    // Reported like any other validation error instead of thrown, so that the answer keeps its shape.
    propagateOnRejection: false,
    onReject: [
      (context) => context?.reportError(tooExpensive(`The operation is nested more than ${maxDepth} levels deep.`)),
    ],
  });
}
