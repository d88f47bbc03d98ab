// An answer as a client gets it from a stream of events or a WebSocket; Yoga makes those of plain HTTP.
import { type ExecutionResult, GraphQLError } from 'graphql';

/** The answer without the notes that Yoga keeps in errors, such as the HTTP status; one that is too large is refused. */
export function publicAnswer(answer: ExecutionResult, maxBytes: number): ExecutionResult {
  const errors = answer.errors?.map(({ message, locations, path, extensions: { http: _, ...extensions } }) => ({
    ...{ message, locations, path, extensions },
  }));
  const shown = (errors ? { ...answer, errors } : answer) as ExecutionResult;
  return Buffer.byteLength(JSON.stringify(shown)) > maxBytes ? { errors: [tooLarge(maxBytes)] } : shown;
}

export const tooLarge = (maxBytes: number): GraphQLError =>
  new GraphQLError(`The answer would be larger than ${maxBytes} bytes.`, {
    extensions: { code: 'OPERATION_TOO_EXPENSIVE' },
  });
