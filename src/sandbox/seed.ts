// The world that a sandbox starts with: always the same, whatever the day. A power law of fame over a few
// thousand people, one star, one hermit, and the sample of the upstream's follow_get page.
import type { Tags } from './accounts.ts';
import type { World } from './world.ts';

/** Has all the people as fans and follows fifty of them. */
export const STAR = 'star';
/** Follows nobody, has no fans. */
export const HERMIT = 'hermit';

const STAR_FOLLOWS = 50;
/** Seconds from one fan of the star to the next. */
const STAR_FAN_EVERY = 18_000;
/** Fans of `user_00001`; the k-th person has this divided by k to the 0.8. */
const MAX_FANS = 2345;
/** 2023-12-11T02:35:18Z, the time that both fans of the sample carry. */
const SAMPLE_TIME = 1_702_262_118;
const FIRST_FOLLOW = Date.UTC(2021, 0, 1) / 1000;
const LAST_FOLLOW = Date.UTC(2025, 0, 1) / 1000;

/** `user_00042` and so on: number 1 is the most famous. */
export const personId = (number: number): string => `user_${String(number).padStart(5, '0')}`;

export function seedWorld(world: World, people: number): void {
  for (let number = 1; number <= people; number += 1) {
    const id = personId(number);
    world.importAccount(id, inventProfile(id, number));
  }
  world.importAccount(HERMIT, { Tag_Profile_IM_Nick: 'Hermit' });
  seedSample(world, people);
  seedStar(world, people);
  // Last, because it fills each person's fans up to an exact number.
  seedFame(world, people);
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

function seedFame(world: World, people: number): void {
  const random = createRandom(1);
  for (let number = 1; number <= people; number += 1) {
    const fans = Math.min(Math.floor(MAX_FANS / number ** 0.8), Math.floor(people / 2));
    let missing = fans - world.list(personId(number), 'fans').length;
    while (missing > 0) {
      // Some people follow far more than others do.
      const fan = 1 + Math.floor(people * random() ** 1.5);
      const time = FIRST_FOLLOW + Math.floor((LAST_FOLLOW - FIRST_FOLLOW) * random());
      if (world.follow(personId(fan), personId(number), time)) missing -= 1;
    }
  }
}

function seedStar(world: World, people: number): void {
  world.importAccount(STAR, inventProfile(STAR, 0));
  for (let number = 1; number <= people; number += 1) {
    world.follow(personId(number), STAR, FIRST_FOLLOW + number * STAR_FAN_EVERY);
    if (number % 4 === 0 && number <= 4 * STAR_FOLLOWS) world.follow(STAR, personId(number), LAST_FOLLOW + number);
  }
}

const GIVEN_NAMES = [
  'Aiko Amara Anna Arjun Astrid Ayşe Beatriz Bilal Björn Camila Chidi Chloé Daniel Dmitri Elif Emeka Emma Farah Fatima',
  'Felix Freya Gabriel Giulia Hana Hassan Hugo Ines Ingrid Ivan Jakub Jamal Joana João Jun Kai Kofi Kwame Lars Leila',
  'Liam Linh Lucía Łukasz Mai Malik Mariam Mateo Mei Mina Minh Naledi Nia Niko Noor Olga Omar Paulo Priya Rafael Rania',
  'Ravi Rosa Sakura Sana Santiago Sara Sofia Sven Tariq Thandi Tomo Uma Valeria Viktor Wanjiru Wei Yara Yuki Yusuf Zoë',
].flatMap((line) => line.split(' '));
const FAMILY_NAMES = [
  'Abebe Adeyemi Almeida Andersson Bakker Banerjee Becker Bianchi Bui Chen Costa Cruz Dahl Demir Diallo Dubois Eriksen',
  'Fernández Fischer García Gupta Haddad Hansen Hernández Hoang Ibrahim Ito Ivanova Jansen Kamau Kaya Khan Kim Kovač',
  'Kowalski Lee Lima Lindqvist Maeda Mbeki Méndez Mensah Moreau Mori Müller Nakamura Ndiaye Nguyễn Novák Okafor Olsen',
  'Park Patel Pereira Petrov Popescu Rahman Ramos Reyes Rossi Sato Schmidt Silva Singh Suzuki Tanaka Tran Türk Vega Wang',
].flatMap((line) => line.split(' '));
const NATIVE_NAMES = '王芳|李娜|张伟|佐藤 葵|鈴木 蓮|김민준|이서연|Анна Орлова|محمد علي|नेहा शर्मा|มานี ใจดี'.split('|');
export const SIGNATURES = [
  'Coffee first, questions later|Somewhere between two time zones|Learning the cello, sorry neighbours',
  'Weekend baker 🥐|Mostly pictures of my dog|Building small robots|Night shift, day dreams',
  'Ask me about trains|Reading one book at a time|Running slowly, but running|Plants everywhere 🌱',
  'Half hiker, half hammock|Cooking my way around the map|I answer eventually|今日もいい天気|Vamos despacio',
].flatMap((line) => line.split('|'));
const TEAMS = ['red', 'blue', 'green', 'amber'];
const MOODS = ['sunny', 'sleepy', 'curious', 'busy', 'calm'];
const LOCATIONS = 'Berlin|Hà Nội|Lagos|Lima|Mumbai|Nairobi|Osaka|Porto|Seoul|Toronto|Xi’an'.split('|');
const ALLOW_TYPES = ['AllowType_Type_AllowAny', 'AllowType_Type_NeedConfirm', 'AllowType_Type_DenyAny'];
const GENDERS = ['Gender_Type_Female', 'Gender_Type_Male', 'Gender_Type_Unknown'];

/** Numbers in [0, 1), the same sequence for the same seed: the mulberry32 generator, good enough to look random. */
export function createRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A person's profile: always a nick, and each other tag with a chance of its own. */
function inventProfile(id: string, number: number): Tags {
  const random = createRandom(0x9e3779b1 ^ Math.imul(number + 1, 0x85ebca6b));
  const pick = <T>(options: readonly T[]): T => options[Math.floor(random() * options.length)] as T;
  const upTo = (count: number) => Math.floor(random() * count);
  const optional: [share: number, tag: string, value: () => string | number][] = [
    [0.9, 'Image', () => `https://avatars.example.com/${id}.png`],
    [0.7, 'SelfSignature', () => pick(SIGNATURES)],
    [0.8, 'Gender', () => pick(GENDERS)],
    [0.6, 'BirthDay', () => (1960 + upTo(46)) * 10_000 + (1 + upTo(12)) * 100 + 1 + upTo(28)],
    [0.5, 'Location', () => pick(LOCATIONS)],
    [0.9, 'AllowType', () => pick(ALLOW_TYPES)],
    [0.4, 'Language', () => 1 + upTo(20)],
    [0.8, 'Level', () => 1 + upTo(60)],
    [0.2, 'Role', () => 1 + upTo(4)],
    [0.3, 'MsgSettings', () => upTo(2)],
    [0.1, 'AdminForbidType', () => (random() < 0.1 ? 'AdminForbid_Type_SendOut' : 'AdminForbid_Type_None')],
  ];
  const nick = random() < 0.1 ? pick(NATIVE_NAMES) : `${pick(GIVEN_NAMES)} ${pick(FAMILY_NAMES)}`;
  const tags: Tags = { Tag_Profile_IM_Nick: nick };
  for (const [share, tag, value] of optional) {
    if (random() < share) tags[`Tag_Profile_IM_${tag}`] = value();
  }
  if (random() < 0.4) tags.Tag_Profile_Custom_Team = pick(TEAMS);
  if (random() < 0.3) tags.Tag_Profile_Custom_Mood = pick(MOODS);
  return tags;
}

/** Moves the avatars of an answer's JSON from a host that does not exist to one that has them, as `drawAvatar` gives them. */
export function moveAvatars(json: string, baseUrl: string): string {
  return json.replaceAll(/https:\/\/avatars\.example\.com\/(\w+)\.png/g, `${baseUrl}/$1.svg`);
}

/** An SVG of a head and shoulders, in a colour that the name decides. */
export function drawAvatar(name: string): string {
  const hue = [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 360, 0);
  const [open, figure] = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">', 'fill="#fff" opacity=".9"'];
  return `${open}<path d="M0 0h64v64H0z" fill="hsl(${hue},60%,45%)"/><circle cx="32" cy="25" r="12" ${figure}/><path d="M8 64a24 22 0 0 1 48 0z" ${figure}/></svg>`;
}
