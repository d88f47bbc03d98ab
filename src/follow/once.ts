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

/** Questions that are asked once: what was answered, or why not, stays so from then on. */
export class Once<V> {
  #answers: Map<string, V | Failure> | undefined;

  ask(key: string, question: () => V): V {
    this.#answers ??= new Map();
    let known = this.#answers.get(key);
    if (known === undefined) {
      known = answerTo(question);
      this.#answers.set(key, known);
    }
    if (known instanceof Failure) throw known.error;
    return known;
  }

  /** Begins anew. */
  clear(): void {
    this.#answers = undefined;
  }
}
