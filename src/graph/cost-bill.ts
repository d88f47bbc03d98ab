// Adds up what an operation may cost: upstream calls, kept as batches would make them, and values in its answer.

/** What an operation costs at most. */
export type Cost = { readonly calls: number; readonly values: number };

/** Thrown when an operation costs more than is allowed: no need to know how much more. */
export class Exceeded extends Error {
  readonly cost: Cost;

  constructor(cost: Cost) {
    super('The operation costs too much.');
    this.cost = cost;
  }
}

/**
 * Fields that ask at the same moment, and so in the same batches. Those of a list's members ask when their page is
 * there, which for each page is another moment. `times` says how many such moments there are.
 */
export type Wave = {
  readonly times: number;
  counts: number;
  profiles: number;
  /** Relations of the viewer; those of others are asked one by one. */
  relations: number;
};

/** How many keys one call takes (contract 0). */
export const LARGEST = { counts: 20, profiles: 100, relations: 100 } as const;

/** Selections that are looked at for one prediction. A document that spreads its fragments into more is refused. */
const MOST_SELECTIONS = 20_000;

export type Bill = ReturnType<typeof createBill>;

/** Opens a bill that is given up when it exceeds `most`. */
export function createBill(most: Cost) {
  let calls = 0;
  let values = 0;
  let selections = 0;

  function check() {
    if (calls > most.calls || values > most.values) throw new Exceeded({ calls, values });
  }

  const bill = {
    cost: (): Cost => ({ calls, values }),
    /** A selection is looked at. */
    look(): void {
      selections++;
      if (selections > MOST_SELECTIONS) bill.values(Number.POSITIVE_INFINITY);
    },
    values(count: number): void {
      values += count;
      check();
    },
    calls(count: number): void {
      calls += count;
      check();
    },
    wave: (times: number): Wave => ({ times, counts: 0, profiles: 0, relations: 0 }),
    /** Everybody of the wave has asked. */
    close({ times, counts, profiles, relations }: Wave): void {
      const batches =
        Math.ceil(counts / LARGEST.counts) +
        Math.ceil(profiles / LARGEST.profiles) +
        Math.ceil(relations / LARGEST.relations);
      bill.calls(times * batches);
    },
  };
  return bill;
}
