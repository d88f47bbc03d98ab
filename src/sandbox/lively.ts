// Keeps the world moving, for whoever wants to see changes arrive: a few people around the famous ones follow, unfollow
// and say something new about themselves. The same seed moves the same people in the same order.
import { type Clock, systemClock } from '../clock.ts';
import { createRandom, SIGNATURES } from './people.ts';
import { personId, STAR } from './seed.ts';
import type { PeopleActions } from './webhook-events.ts';
import type { World } from './world.ts';

type Dependencies = {
  world: Pick<World, 'has' | 'followTime' | 'profile'>;
  act: PeopleActions;
  clock?: Clock;
  seed?: number;
};

export type Lively = { start(): void; stop(): void };

/** Between two steps. Six of them are a turn: each famous person gains or loses a fan, and two people say something new. */
export const STEP_MS = 250;

/** The people of the starter operations: something happens to each of them all the time. */
const FAMOUS = ['UserID_001', 'user_00001', STAR];
const SAMPLE = ['UserID_001', 'UserID_002', 'UserID_003'];
/** Some are followed by the famous ones, so that mutuals come and go. */
const VISITORS = [2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 28].map(personId);
const SIGNATURE = 'Tag_Profile_IM_SelfSignature';

/** Nothing moves before `start`. */
export function createLively({ world, act, clock = systemClock, seed = 1 }: Dependencies): Lively {
  const random = createRandom(seed);
  let steps = 0;
  let moving: AbortController | undefined;

  /** One of those who exist and are not `except`: accounts can be removed from the world at any time. */
  function someone(people: readonly string[], except?: string): string | undefined {
    const present = people.filter((id) => id !== except && world.has(id));
    return present[Math.floor(random() * present.length)];
  }

  /**
   * Follows, or takes the follow back. However long this goes on, the graph differs from where it began in no more than
   * the edges among these few people.
   */
  function toggleFollow(from: string | undefined, to: string | undefined): void {
    if (from === undefined || to === undefined || !world.has(to)) return;
    if (world.followTime(from, to) === undefined) act.follow(from, to);
    else act.unfollow(from, to);
  }

  function changeSignature(id: string | undefined): void {
    if (id === undefined || !world.has(id)) return;
    const current = world.profile(id)?.items.find(({ Tag }) => Tag === SIGNATURE)?.Value;
    const others = SIGNATURES.filter((signature) => signature !== current);
    act.setProfile(id, { [SIGNATURE]: others[Math.floor(random() * others.length)] as string });
  }

  function step(): void {
    const turn = Math.floor(steps / 6);
    const famous = FAMOUS[Math.floor((steps % 6) / 2)];
    if (steps % 2 === 0) toggleFollow(someone(VISITORS), famous);
    else if (steps % 6 === 1) changeSignature(SAMPLE[turn % 3]);
    else if (steps % 6 === 3) changeSignature(['user_00001', STAR, someone(VISITORS)][turn % 3]);
    else {
      const from = someone([...FAMOUS, ...VISITORS]);
      toggleFollow(from, someone(VISITORS, from));
    }
    steps += 1;
  }

  async function move(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      step();
      // Rejects when somebody stops the movement.
      await clock.sleep(STEP_MS, signal).catch(() => {});
    }
  }

  return {
    start(): void {
      if (moving) return;
      moving = new AbortController();
      void move(moving.signal);
    },
    stop(): void {
      moving?.abort();
      moving = undefined;
    },
  };
}
