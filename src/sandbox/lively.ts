// Keeps the world moving, so that changes can be seen to arrive: a few people around the famous ones follow, unfollow and
// change their signatures, for which they log in or out. Always the same people in the same order.
import { type Clock, systemClock } from '../clock.ts';
import type { Actions } from './actions.ts';
import { createRandom, personId, SIGNATURES, STAR } from './seed.ts';
import type { World } from './world.ts';

type Dependencies = {
  world: Pick<World, 'has' | 'followTime' | 'profile' | 'devices'>;
  act: Pick<Actions, 'follow' | 'unfollow' | 'setProfile' | 'connect'>;
  clock?: Clock;
};

/** Between two steps. Six of them are a turn: each famous person gains or loses a fan, and two signatures change. */
export const STEP_MS = 250;

/** The people of the starter operations: something happens to each of them all the time. */
const FAMOUS = ['UserID_001', 'user_00001', STAR];
const SAMPLE = ['UserID_001', 'UserID_002', 'UserID_003'];
/** Some are followed by the famous ones, so that mutuals come and go. */
const VISITORS = [2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 28].map(personId);
const SIGNATURE = 'Tag_Profile_IM_SelfSignature';

/** Nothing moves before `start`, and then until the process ends. */
export function createLively({ world, act, clock = systemClock }: Dependencies) {
  const random = createRandom(1);
  let steps = 0;

  const pick = <T>(choices: readonly T[]): T | undefined => choices[Math.floor(random() * choices.length)];

  /** One of the people that exist and are not `except`: accounts can be removed from the world at any time. */
  const someone = (people: readonly string[], except?: string) =>
    pick(people.filter((id) => id !== except && world.has(id)));

  /** Follows, or takes the follow back: the graph never differs from its start in more than the edges of these people. */
  function toggleFollow(from: string | undefined, to: string | undefined): void {
    if (from === undefined || to === undefined || !world.has(to)) return;
    if (world.followTime(from, to) === undefined) act.follow(from, to);
    else act.unfollow(from, to);
  }

  function changeSignature(id: string | undefined): void {
    if (id === undefined || !world.has(id)) return;
    const current = world.profile(id)?.items.find(({ Tag }) => Tag === SIGNATURE)?.Value;
    const signature = pick(SIGNATURES.filter((other) => other !== current));
    if (signature) act.setProfile(id, { [SIGNATURE]: signature });
    act.connect(id, 'iPhone', world.devices(id).length > 0 ? 'logout' : 'login');
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

  function start(): void {
    step();
    clock.alarm(STEP_MS, start);
  }

  return { start };
}
