// The world that a sandbox starts with: the same for the same seed, whatever the day. A power law of fame over a few
// thousand people, one star, one hermit, and the sample of the upstream's follow_get page.
import type { WireProfileItem } from '../tencent/wire.ts';
import type { DormantAccounts, Tags } from './accounts.ts';
import { createRandom, inventProfile } from './people.ts';
import type { World } from './world.ts';

export type SeedOptions = { seed: number; people: number };

/** Has exactly 100,000 fans and follows fifty of the people. */
export const STAR = 'star_100k';
/** Follows nobody, has no fans. */
export const HERMIT = 'hermit';

const STAR_FANS = 100_000;
const STAR_FOLLOWS = 50;
/** Fans of `user_00001`; the k-th person has this divided by k to the 0.8. */
const MOST_FANS = 2345;
/** 2023-12-11T02:35:18Z, the time that both fans of the sample carry. */
const SAMPLE_TIME = 1_702_262_118;
const FIRST_FOLLOW = Date.UTC(2021, 0, 1) / 1000;
const LAST_FOLLOW = Date.UTC(2025, 0, 1) / 1000;

/** `user_00042` and so on: number 1 is the most famous. */
export const personId = (number: number): string => `user_${String(number).padStart(5, '0')}`;

const lightFanId = (number: number): string => `fan_${String(number).padStart(6, '0')}`;
/** One every twenty minutes from the first day on. */
const lightFanTime = (number: number): number => FIRST_FOLLOW + number * 1200;
/** Every fourth person is a fan of the star. */
const followsStar = (number: number): boolean => number % 4 === 0;
const lightFans = (people: number): number => STAR_FANS - 1 - Math.floor(people / 4);

export function seedWorld(world: World, { seed, people }: SeedOptions): void {
  for (let number = 1; number <= people; number += 1) {
    const id = personId(number);
    world.importAccount(id, inventProfile(id, seed, number));
  }
  world.importAccount(HERMIT, { Tag_Profile_IM_Nick: 'Hermit' });
  seedSample(world, people);
  seedStar(world, { seed, people });
  // Last, because it fills each person's fans up to an exact number.
  seedFame(world, { seed, people });
}

/** The accounts that exist only in the star's list until somebody looks closer. */
export function dormantFans({ seed, people }: SeedOptions): DormantAccounts {
  const count = lightFans(people);
  return (id) => {
    const number = Number(/^fan_(\d{6})$/.exec(id)?.[1]);
    if (!(number >= 1 && number <= count)) return undefined;
    const { Tag_Profile_IM_Nick: nick = id, Tag_Profile_IM_Image: image } = inventProfile(id, seed, -number);
    const items: WireProfileItem[] = [{ Tag: 'Tag_Profile_IM_Nick', Value: nick }];
    if (image !== undefined) items.push({ Tag: 'Tag_Profile_IM_Image', Value: image });
    return { profile: { items, sequence: 1, changedAt: 0 }, follows: new Map([[STAR, lightFanTime(number)]]) };
  };
}

/** `UserID_001` has these two fans alone; the fans have none. */
function seedSample(world: World, people: number): void {
  const fan = (number: 2 | 3, allowType: string): Tags => ({
    Tag_Profile_IM_Nick: `NickNameTest${number}`,
    Tag_Profile_IM_AllowType: allowType,
    Tag_Profile_IM_SelfSignature: `I'm Test${number}`,
    Tag_Profile_Custom_Test: `Custom Data${number}`,
  });
  world.importAccount('UserID_001', { Tag_Profile_IM_Nick: 'NickNameTest1' });
  world.importAccount('UserID_002', fan(2, 'AllowType_Type_DenyAny'));
  world.importAccount('UserID_003', fan(3, 'AllowType_Type_AllowAny'));
  world.follow('UserID_002', 'UserID_001', SAMPLE_TIME);
  world.follow('UserID_003', 'UserID_001', SAMPLE_TIME);
  for (let number = 1; number <= Math.min(3, people); number += 1) {
    world.follow('UserID_001', personId(number), SAMPLE_TIME + number);
  }
}

function seedFame(world: World, { seed, people }: SeedOptions): void {
  const random = createRandom(seed);
  for (let number = 1; number <= people; number += 1) {
    const fans = Math.min(Math.floor(MOST_FANS / number ** 0.8), Math.floor(people / 2));
    let missing = fans - world.list(personId(number), 'fans').length;
    while (missing > 0) {
      // Some people follow far more than others do.
      const fan = 1 + Math.floor(people * random() ** 1.5);
      const time = FIRST_FOLLOW + Math.floor((LAST_FOLLOW - FIRST_FOLLOW) * random());
      if (world.follow(personId(fan), personId(number), time)) missing -= 1;
    }
  }
}

function seedStar(world: World, { seed, people }: SeedOptions): void {
  const light = lightFans(people);
  world.importAccount(STAR, inventProfile(STAR, seed, 0));
  world.adoptFans(
    STAR,
    Array.from({ length: light }, (_, index) => [lightFanId(index + 1), lightFanTime(index + 1)]),
  );
  world.follow('UserID_001', STAR, SAMPLE_TIME);
  for (let number = 1; number <= people; number += 1) {
    if (followsStar(number)) world.follow(personId(number), STAR, lightFanTime(number * 15) + 7);
  }
  for (let number = 1; number <= Math.min(STAR_FOLLOWS, Math.floor(people / 4)); number += 1) {
    world.follow(STAR, personId(number * 4), LAST_FOLLOW + number);
  }
}
