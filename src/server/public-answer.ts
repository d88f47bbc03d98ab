// An answer as clients get it: without the notes that Yoga keeps in errors, which say its HTTP status.
import type { ExecutionResult, GraphQLError } from 'graphql';
import { tooExpensive } from './limits.ts';

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
