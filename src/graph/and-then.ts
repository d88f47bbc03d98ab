/** Reads on from a value: at once when it is there, else as soon as it is. What is cached answers without a promise. */
export function andThen<T, R>(value: T | Promise<T>, read: (value: T) => R): R | Promise<R> {
  return value instanceof Promise ? value.then(read) : read(value);
}
