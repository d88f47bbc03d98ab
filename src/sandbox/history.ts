// Remembers what recent changes overwrote, so that a lagging answer can show the world of a moment ago (contract U22).

type Change = { at: number; from: string; to: string; before: number | undefined };

const MOST_CHANGES = 10_000;

export function createHistory() {
  const changes: Change[] = [];

  return {
    /** `before` is the follow time that the change overwrote; undefined = `from` did not follow `to`. */
    record(change: Change): void {
      changes.push(change);
      if (changes.length > MOST_CHANGES) changes.splice(0, MOST_CHANGES / 2);
    },

    /** What `from → to` was at `asOf`, when it has changed since; undefined when it has not. */
    before(from: string, to: string, asOf: number): { time: number | undefined } | undefined {
      const change = changes.find((change) => change.at > asOf && change.from === from && change.to === to);
      return change && { time: change.before };
    },

    /** Everyone whose relation with `id`, in either direction, has changed since `asOf`. */
    changedWith(id: string, asOf: number): Set<string> {
      const others = new Set<string>();
      for (const { at, from, to } of changes) {
        if (at <= asOf) continue;
        if (from === id) others.add(to);
        if (to === id) others.add(from);
      }
      return others;
    },
  };
}
