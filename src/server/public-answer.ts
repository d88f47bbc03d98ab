// What clients may read of an answer and of its errors.
import { type ExecutionResult, GraphQLError } from 'graphql';
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
 * Turns an error into what a client may see: a `GatewayError` becomes its code, graphql's own complaints
 * about the request stay, as `brief` tells them, anything else is handed to `reportBug` and shown as
 * `INTERNAL_SERVER_ERROR`.
 */
export function maskError(error: unknown, reportBug: (error: unknown) => void, brief = shorten): GraphQLError {
  const outer = error instanceof GraphQLError ? error : undefined;
  const cause = outer?.originalError ?? error;
  const shown = (message: string, extensions: object) => {
    const { nodes, path, source, positions } = outer ?? {};
    return new GraphQLError(message, { nodes, path, source, positions, extensions: { ...extensions } });
  };

  if (cause instanceof GatewayError) {
    const { code, message, upstream } = cause;
    return shown(message, { code, ...(upstream && { upstream }) });
  }
  // graphql refuses variables and arguments that do not fit their types without a code. The outer message says which.
  if (outer && cause instanceof GraphQLError)
    return shown(brief(outer.message), { code: 'BAD_USER_INPUT', ...cause.extensions });
  reportBug(cause);
  return shown('Something went wrong on our side.', { code: 'INTERNAL_SERVER_ERROR' });
}

export function withoutNotes(answer: ExecutionResult): ExecutionResult {
  const errors = answer.errors?.map(({ message, locations, path, extensions: { http: _, ...extensions } }) => ({
    ...{ message, locations, path, extensions },
  }));
  return (errors ? { ...answer, errors } : answer) as ExecutionResult;
}

/** The same of a stream of events or a WebSocket: an answer that is too large is refused. */
export function publicAnswer(answer: ExecutionResult, maxBytes: number): ExecutionResult {
  const shown = withoutNotes(answer);
  return Buffer.byteLength(JSON.stringify(shown)) > maxBytes ? { errors: [tooLarge(maxBytes)] } : shown;
}

export function tooExpensive(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'OPERATION_TOO_EXPENSIVE' } });
}

export const tooLarge = (maxBytes: number): GraphQLError =>
  tooExpensive(`The answer would be larger than ${maxBytes} bytes.`);

/** The highest status that an error asks for. What is `spec` is asked for by the newer type of JSON alone. */
export function statusOf({ errors = [] }: ExecutionResult, type: string): number {
  const notes = errors.map(({ extensions }) => extensions.http);
  return Math.max(
    200,
    ...notes.map((http) => (http?.spec && type === 'application/json' ? 200 : (http?.status ?? 200))),
  );
}
