// Finds who spoils a batch that the upstream refuses whole.

/**
 * Finds the items because of which `items`, known to be refused together, are refused: by halving, one question at a
 * time, at most about 2·k·log2(n) of them for k culprits. `refuses` asks about a part.
 */
export async function isolate<T>(items: readonly T[], refuses: (part: readonly T[]) => Promise<boolean>): Promise<T[]> {
  if (items.length <= 1) return [...items];
  const middle = items.length >> 1;
  const left = items.slice(0, middle);
  const right = items.slice(middle);
  // When the left half passes, the right one needs no question: somebody is guilty.
  if (!(await refuses(left))) return isolate(right, refuses);
  const found = await isolate(left, refuses);
  return (await refuses(right)) ? [...found, ...(await isolate(right, refuses))] : found;
}
