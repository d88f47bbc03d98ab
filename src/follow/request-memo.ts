/** Questions that are asked once for an answer: what came of one, also its failure, stays so. */
export class RequestMemo<V> {
  #answers: Map<string, { value: V } | { error: unknown }> | undefined;

  ask(key: string, question: () => V): V {
    this.#answers ??= new Map();
    let known = this.#answers.get(key);
    if (known === undefined) {
      try {
        known = { value: question() };
      } catch (error) {
        known = { error };
      }
      this.#answers.set(key, known);
    }
    if ('error' in known) throw known.error;
    return known.value;
  }

  clear(): void {
    this.#answers = undefined;
  }
}
