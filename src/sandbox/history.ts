// What recent changes of edges overwrote, so that a lagging answer can show the world of a moment ago (contract U22).

/** `before` is the follow time that the change overwrote; undefined = `from` did not follow `to`. */
type Change = { atMs: number; from: string; to: string; before: number | undefined };

const MAX_CHANGES = 10_000;

export function createHistory() {
  const changes: Change[] = [];

  return {
    record(change: Change): void {
      changes.push(change);
      if (changes.length > MAX_CHANGES) changes.splice(0, MAX_CHANGES / 2);
    },

    /** The first change of `from → to` since `asOf`: it knows what there was then. */
    firstChange: (from: string, to: string, asOf: number): Change | undefined =>
      changes.find((change) => change.atMs > asOf && change.from === from && change.to === to),

    /** The accounts whose relation with `id`, in either direction, has changed since `asOf`. */
    changedWith(id: string, asOf: number): Set<string> {
      const recent = changes.filter(({ atMs, from, to }) => atMs > asOf && (from === id || to === id));
      return new Set(recent.map(({ from, to }) => (from === id ? to : from)));
    },
  };
}
