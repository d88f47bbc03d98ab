// The reference mix: what is asked, about whom, and when. The same for the same seed, whoever answers.
import type { FollowList } from '../../../src/follow/model.ts';
import { createRandom, type Random } from '../../../src/sandbox/people.ts';
import { lastPage, PAGE, USERS } from './world.ts';

export type Query = {
  /** Milliseconds since the start. */
  at: number;
  /** The user's place in the order of fame, from 0. */
  rank: number;
} & ({ screen: 'header' } | { screen: 'list'; list: FollowList; page: number });

/** Shares of the screens; what is left asks for follows or mutuals. */
const HEADERS = 0.4;
const FIRST_PAGES = 0.35;
const LATER_PAGES = 0.15;
/** How many of those who read a page go on to the next one. */
const GOES_ON = 0.5;

export function* createMix(seed: number, perSecond: number): Generator<Query, never> {
  const random = createRandom(seed);
  const fame = createZipf(USERS);
  for (let at = 0; ; ) {
    at += (-Math.log(1 - random()) / perSecond) * 1000;
    const rank = fame(random());
    const screen = random();
    if (screen < HEADERS) yield { at, rank, screen: 'header' };
    else if (screen < HEADERS + FIRST_PAGES) yield { at, rank, screen: 'list', list: 'fans', page: 1 };
    else if (screen < HEADERS + FIRST_PAGES + LATER_PAGES)
      yield { at, rank, screen: 'list', list: 'fans', page: laterPage(rank, random) };
    else yield { at, rank, screen: 'list', list: random() < 0.5 ? 'follows' : 'mutuals', page: 1 };
  }
}

function laterPage(rank: number, random: Random): number {
  let page = 2;
  while (random() < GOES_ON) page++;
  return Math.min(page, lastPage(rank, 'fans'));
}

/** Maps a number in [0, 1) to a rank whose odds are one part in its number. */
function createZipf(size: number): (chance: number) => number {
  const sums = new Float64Array(size);
  for (let rank = 0, sum = 0; rank < size; rank++) sums[rank] = sum += 1 / (rank + 1);
  const whole = sums[size - 1] as number;
  return (chance) => {
    let [low, high] = [0, size - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) > chance * whole) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** Where on the upstream's list a client page begins. */
export const indexOfPage = (page: number): number => (page - 1) * PAGE;
