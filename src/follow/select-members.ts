// Reads a list whole, searches and orders it, and takes a page out of it, from either end. A position in it is the key
// that a member is ordered by, so that it stays where it is when members come and go, its own member too. In names width,
// case and accents make no difference, and Chinese ones answer to their Pinyin.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { pinyin as toPinyin } from 'pinyin-pro';
import type { FollowEntry, Profile, UserHandle, UserId } from './model.ts';
import { MAX_PAGE_SIZE, type ReadPage } from './walk.ts';

/** Each order has one direction and its reverse; among equals the id decides. */
export type MemberOrder = 'FOLLOWED_AT_ASC' | 'FOLLOWED_AT_DESC' | 'NICK_ASC' | 'NICK_DESC';

/** Where a member stands in an order: its follow time in Unix seconds, or its name's key. */
export type MemberPosition = { readonly key: number | string; readonly id: UserId };

export type Selecting<E> = {
  /** What a member's id or name has to have in it; null: all are taken. */
  matching: string | null;
  orderBy: MemberOrder;
  after: MemberPosition | null;
  before: MemberPosition | null;
  first: number;
  /** Takes members from the end, and `first` does not count; null: from the beginning. */
  last: number | null;
  nameOf(member: E): Name;
};

export type Selected<E> = { entries: E[]; hasNextPage: boolean; hasPreviousPage: boolean };

type Compare = (a: MemberPosition, b: MemberPosition) => number;
const inOrder: Compare = (a, b) =>
  a.key === b.key ? (a.id < b.id ? -1 : Number(a.id > b.id)) : a.key < b.key ? -1 : 1;
/** The upstream's order (CONTRACT U3): the newest first, and ids upwards among equals. */
const newestFirst: Compare = (a, b) => (a.key === b.key ? inOrder(a, b) : a.key > b.key ? -1 : 1);
const reversed = (compare: Compare) => (a: MemberPosition, b: MemberPosition) => compare(b, a);

const COMPARE: Record<MemberOrder, Compare> = {
  FOLLOWED_AT_DESC: newestFirst,
  FOLLOWED_AT_ASC: reversed(newestFirst),
  NICK_ASC: inOrder,
  NICK_DESC: reversed(inOrder),
};

/** Whether members are ordered by their names. */
export const isByNick = (orderBy: MemberOrder | null | undefined): boolean =>
  orderBy === 'NICK_ASC' || orderBy === 'NICK_DESC';

export function selectMembers<E extends FollowEntry>(members: readonly E[], selecting: Selecting<E>): Selected<E> {
  const { orderBy, after, before, first, last, nameOf } = selecting;
  const compare = COMPARE[orderBy];
  const matching = fold(selecting.matching ?? '').trim();
  // Of accents alone nothing is left that a name could have in it.
  if (selecting.matching && !matching) return { entries: [], hasNextPage: false, hasPreviousPage: false };
  const matches: { member: E; position: MemberPosition }[] = [];
  let [precede, follow] = [0, 0];
  for (const member of members) {
    if (matching && !nameOf(member).text.includes(matching)) continue;
    const position = { key: isByNick(orderBy) ? nameOf(member).key : member.followedAt, id: member.user.id };
    if (after && compare(position, after) <= 0) precede++;
    else if (before && compare(position, before) >= 0) follow++;
    else matches.push({ member, position });
  }
  const isBackward = last !== null;
  const inDirection = isBackward ? reversed(compare) : compare;
  matches.sort((a, b) => inDirection(a.position, b.position));
  const page = matches.slice(0, last ?? first).map(({ member }) => member);
  const hasMore = matches.length > page.length;
  return {
    entries: isBackward ? page.reverse() : page,
    hasPreviousPage: precede > 0 || (isBackward && hasMore),
    hasNextPage: follow > 0 || (!isBackward && hasMore),
  };
}

/** No user follows more people (CONTRACT U18). */
export const MAX_FOLLOWS = 5000;

export type MembersRequest<E> = {
  maxPages: number;
  maxMembers?: number;
  /** The size of the first page. Other readers share the pages of a size. */
  headSize?: number;
  /** The list is taken to end where a member is not wanted. */
  isWanted?: (member: E) => boolean;
};

/** Reads members from the head on. `isComplete` is false when there are some that were not read. */
export async function readMembers<E extends FollowEntry>(
  readPage: ReadPage<E>,
  request: MembersRequest<E>,
): Promise<{ members: readonly E[]; isComplete: boolean }> {
  const { maxPages, maxMembers = Number.POSITIVE_INFINITY, headSize = MAX_PAGE_SIZE, isWanted = () => true } = request;
  const found = new Map<UserId, E>();
  const visited = new Set<string>();
  let isComplete = false;
  // A cursor that leads back ends the list; the one behind the last page is the head's.
  for (let [start, size] = ['', headSize]; !visited.has(start); size = MAX_PAGE_SIZE) {
    const { entries, next } = await readPage(start, size);
    visited.add(start);
    start = next;
    const wanted = entries.filter(isWanted);
    // An upstream that counts positions repeats members when new ones push them over a page's edge.
    for (const entry of wanted) if (!found.has(entry.user.id)) found.set(entry.user.id, entry);
    isComplete = next === '' || wanted.length < entries.length;
    if (isComplete || visited.size >= maxPages || found.size >= maxMembers) break;
  }
  return { members: [...found.values()].slice(0, maxMembers), isComplete: isComplete && found.size <= maxMembers };
}

/** `text` is what is searched, id and nick; `key` is what nicks are sorted by. */
export type Name = { readonly text: string; readonly key: string };

/** Bounds cursors that hold a key: names that begin alike for so long stand in the order of their ids. */
const MAX_KEY_LENGTH = 100;
/** How many names are made before the event loop has its turn: a Chinese one takes 30 µs. */
const NAMES_PER_TURN = 100;

/** The form in which two texts are compared. */
export function fold(text: string): string {
  const isAscii = /^[\0-\x7f]*$/.test(text);
  return (isAscii ? text : text.normalize('NFKD').replace(/\p{M}/gu, '')).toLowerCase();
}

/** `usesPinyin`: Chinese names are found and sorted by their Pinyin. */
export function createNames(usesPinyin: boolean) {
  const names = new WeakMap<Profile, Name>();
  const loading = usesPinyin ? import('pinyin-pro') : null;
  // Searches report the failure; before the first one it would count as unhandled.
  loading?.catch(() => {});

  return {
    /** Makes the names of all these users, once for each profile. */
    async prepare(users: Iterable<UserHandle>): Promise<void> {
      const pinyin = (await loading)?.pinyin;
      let made = 0;
      for (const { id, profile } of users) {
        if (!profile || names.has(profile)) continue;
        names.set(profile, nameFrom(id, profile.nick ?? '', pinyin));
        if (++made % NAMES_PER_TURN === 0) await nextTurn();
      }
    },
    /** The name of a user who was prepared. */
    nameOf: ({ id, profile }: UserHandle): Name => (profile && names.get(profile)) ?? nameFrom(id, ''),
  };
}

function nameFrom(id: string, nick: string, pinyin?: typeof toPinyin): Name {
  const texts = [fold(id), fold(nick)];
  let key = texts[1] as string;
  if (pinyin && /\p{Script=Han}/u.test(nick)) {
    const syllables = pinyin(nick, { toneType: 'none', type: 'array', v: true, surname: 'head' }).map(fold);
    key = syllables.join('');
    texts.push(key, syllables.map((syllable) => syllable[0]).join(''));
  }
  return { text: texts.join('\n'), key: key.slice(0, MAX_KEY_LENGTH) };
}
