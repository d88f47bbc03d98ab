// What clients may read of an error.
import { GraphQLError } from 'graphql';
import { GatewayError } from '../errors.ts';

const LONGEST_MESSAGE = 500;

/** A client's own text comes back in graphql's messages: shortened, and without halves of characters. */
export function shorten(message: string): string {
  const short = message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}…` : message;
  return short.toWellFormed();
}

/** The same without graphql's guess at the name that was meant: guesses show the schema to clients that may not read it. */
export function withoutGuess(message: string): string {
  return shorten(message.replace(/ ?Did you mean .*$/s, ''));
}

/**
 * Turns whatever was thrown into what a client may see: a `GatewayError` becomes its code, graphql's own complaints
 * about the request stay, as `brief` tells them, anything else is handed to `reportBug` and shown as
 * `INTERNAL_SERVER_ERROR`.
 */
export function maskError(error: unknown, reportBug: (error: unknown) => void, brief = shorten): GraphQLError {
  const graphqlError = error instanceof GraphQLError ? error : undefined;
  const cause = graphqlError ? (graphqlError.originalError ?? graphqlError) : error;
  const place = {
    nodes: graphqlError?.nodes,
    path: graphqlError?.path,
    source: graphqlError?.source,
    positions: graphqlError?.positions,
  };

  if (cause instanceof GatewayError) {
    const { code, upstream } = cause;
    return new GraphQLError(cause.message, { ...place, extensions: { code, ...(upstream && { upstream }) } });
  }
  if (graphqlError && cause instanceof GraphQLError) {
    // What graphql refuses without a code are variables and arguments that do not fit their types. The outer message
    // says which one.
    const extensions = { code: 'BAD_USER_INPUT', ...cause.extensions };
    return new GraphQLError(brief(graphqlError.message), { ...place, extensions });
  }
  reportBug(cause);
  return new GraphQLError('Something went wrong on our side.', {
    ...place,
    extensions: { code: 'INTERNAL_SERVER_ERROR' },
  });
}
