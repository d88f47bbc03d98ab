// The reference mix: which screen is asked for, whose, and when. The same in every run, whichever server answers.
import { createRandom } from '../../../src/sandbox/seed.ts';
import { arrivalTimes } from './random.ts';
import { type ListName, PAGE, sizeOf, USERS } from './world.ts';

export type Query = {
  /** Milliseconds since the start. */
  at: number;
  /** The user's rank by popularity, from 0. */
  rank: number;
} & ({ screen: 'header' } | { screen: 'list'; list: ListName; page: number });

/** Of the mix; what else is random takes other seeds. */
export const SEED = 1;
const HEADER_SHARE = 0.4;
const FIRST_PAGE_SHARE = 0.35;
const LATER_PAGE_SHARE = 0.15;
/** How many readers of a page go on to the next one. */
const CONTINUE_SHARE = 0.5;

/** The queries of so many seconds, `perSecond` on average. */
export function* createMix(perSecond: number, seconds: number): Generator<Query, undefined> {
  const random = createRandom(SEED);
  const pickRank = createZipf(USERS);
  for (const at of arrivalTimes(random, perSecond, seconds)) {
    const rank = pickRank(random());
    const screen = random();
    if (screen < HEADER_SHARE) yield { at, rank, screen: 'header' };
    else if (screen < HEADER_SHARE + FIRST_PAGE_SHARE) yield { at, rank, screen: 'list', list: 'fans', page: 1 };
    else if (screen < HEADER_SHARE + FIRST_PAGE_SHARE + LATER_PAGE_SHARE)
      yield { at, rank, screen: 'list', list: 'fans', page: laterPage(rank, random) };
    else yield { at, rank, screen: 'list', list: random() < 0.5 ? 'follows' : 'mutuals', page: 1 };
  }
}

function laterPage(rank: number, random: () => number): number {
  let page = 2;
  while (random() < CONTINUE_SHARE) page++;
  return Math.min(page, Math.ceil(sizeOf(rank, 'fans') / PAGE));
}

/** Maps a number in [0, 1) to a rank from 0; the odds of a rank are 1 / (rank + 1). */
export function createZipf(size: number): (chance: number) => number {
  const sums = new Float64Array(size);
  for (let rank = 0, sum = 0; rank < size; rank++) sums[rank] = sum += 1 / (rank + 1);
  const total = sums[size - 1] as number;
  return (chance) => {
    let [low, high] = [0, size - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) > chance * total) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
