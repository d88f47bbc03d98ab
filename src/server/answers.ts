// Answers as every transport sends them, and one for each event of a subscription.
import { createSourceEventStream, type ExecutionArgs, type ExecutionResult, execute, GraphQLError } from 'graphql';

export type Answer = ExecutionResult;
export type Answers = AsyncIterableIterator<Answer>;

/**
 * Runs a subscription: an answer for each event. `onAnswer` may add to it; `onEnd` is called once, when the events are
 * over or nobody wants them any more. A failure of the events is the last answer, so that all transports tell it alike.
 */
export async function subscribe(
  args: ExecutionArgs,
  { onAnswer, onEnd }: { onAnswer(answer: Answer): void; onEnd(): void },
): Promise<Answers | Answer> {
  const source = await Promise.resolve(createSourceEventStream(args)).catch((error) => {
    onEnd();
    throw error;
  });
  if (!(Symbol.asyncIterator in source)) {
    onEnd();
    return source;
  }
  const events = source[Symbol.asyncIterator]();
  let isOver = false;
  const over = () => {
    if (!isOver) onEnd();
    isOver = true;
    return { done: true as const, value: undefined };
  };
  const answers: Answers = {
    [Symbol.asyncIterator]: () => answers,
    async next() {
      if (isOver) return over();
      let answer: Answer;
      try {
        const event = await events.next();
        if (event.done || isOver) return over();
        answer = await execute({ ...args, rootValue: event.value });
      } catch (error) {
        if (isOver) return over();
        over();
        const originalError = error instanceof Error ? error : new Error(String(error));
        answer = { errors: [new GraphQLError(originalError.message, { originalError })] };
      }
      onAnswer(answer);
      return { done: false, value: answer };
    },
    async return() {
      over();
      await events.return?.();
      return over();
    },
    async throw(error) {
      over();
      await events.return?.();
      throw error;
    },
  };
  return answers;
}

/** Whether a result is one answer after another. */
export function isAnswers<T extends object>(result: T): result is Extract<T, AsyncIterable<unknown>> {
  return Symbol.asyncIterator in result;
}

/** An answer as clients may read it: without the notes that Yoga keeps in errors, such as the HTTP status. */
export function forClients({ errors, ...answer }: ExecutionResult) {
  return errors ? { ...answer, errors: errors.map(errorForClients) } : answer;
}

export function errorForClients(error: GraphQLError) {
  const { extensions: { http: _, ...extensions } = {}, ...rest } = error.toJSON();
  return { ...rest, extensions };
}
