// Invents people: the same seed and number always give the same person, in whatever order they are asked for.
import type { Tags } from './accounts.ts';

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
export function inventProfile(id: string, seed: number, number: number): Tags {
  const random = createRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b));
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
