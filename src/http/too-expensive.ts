import { GraphQLError } from 'graphql';

/** Why an operation is not even begun. */
export function tooExpensive(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'OPERATION_TOO_EXPENSIVE' } });
}
