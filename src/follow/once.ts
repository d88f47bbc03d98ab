/** Questions that are asked once: what was answered, or why not, stays so from then on. */
export type Once<V> = {
  ask(key: string, question: () => V): V;
  /** Begins anew. */
  clear(): void;
};

/** A question whose answer was thrown. */
class Failure {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

function answerTo<V>(question: () => V): V | Failure {
  try {
    return question();
  } catch (error) {
    return new Failure(error);
  }
}

export function createOnce<V>(): Once<V> {
  let answers: Map<string, V | Failure> | undefined;
  return {
    ask(key, question) {
      answers ??= new Map();
      let known = answers.get(key);
      if (known === undefined) {
        known = answerTo(question);
        answers.set(key, known);
      }
      if (known instanceof Failure) throw known.error;
      return known;
    },
    clear() {
      answers = undefined;
    },
  };
}
