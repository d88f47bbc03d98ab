// The slots that other replicas have left to this process and that no call has used yet.

/**
 * A slot that is carried out later than this is given up and asked for anew: after a stall of this process, late calls
 * must not arrive on top of those that are due.
 */
const LATE_MS = 30;
/** A process that is always late gets on nevertheless. */
const MOST_WASTED_IN_A_ROW = 4;
/** How many slots all replicas together hold in advance: more hides a slow Redis, fewer let a newcomer go sooner. */
const PROMISED_TOGETHER = 8;
const MOST_PROMISED = 4;

/** Slots are told by when they are due, in epoch milliseconds. */
export function createPromised(replicas: () => number) {
  let slots: number[] = [];
  let wasted = 0;
  let wastedInARow = 0;

  return {
    /** Soonest first. */
    slots: (): readonly number[] => slots,

    /** How many this process may hold. */
    most: () => Math.min(MOST_PROMISED, Math.ceil(PROMISED_TOGETHER / replicas())),

    add(slot: number): void {
      slots.push(slot);
      slots.sort((a, b) => a - b);
    },

    /** Uses up the soonest one, which was due at `dueAt`. False when that is too long ago for a call to go. */
    use(dueAt: number, now: number): boolean {
      slots.shift();
      const isWasted = now - dueAt > LATE_MS && wastedInARow < MOST_WASTED_IN_A_ROW;
      wastedInARow = isWasted ? wastedInARow + 1 : 0;
      if (isWasted) wasted++;
      return !isWasted;
    },

    /** How many were too late to be used. */
    wasted: () => wasted,

    /** What was promised while nobody waited is of no use to the next rush. */
    dropLate(now: number): void {
      slots = slots.filter((slot) => now - slot <= LATE_MS);
    },

    clear(): void {
      slots = [];
    },
  };
}
