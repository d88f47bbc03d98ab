// Names as people search and sort them: width, case and accents make no difference, and Chinese answers to its Pinyin.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { pinyin as toPinyin } from 'pinyin-pro';
import type { Profile } from './model.ts';

/** `text` is what is searched; `key` is what names are sorted by. */
export type Name = { readonly text: string; readonly key: string };

export type Names = ReturnType<typeof createNames>;

/** Bounds cursors that hold a key: names that begin alike for so long stand in the order of their ids. */
const MAX_KEY_LENGTH = 100;
/** How many names are made before the event loop has its turn: a Chinese one takes 30 µs. */
const NAMES_PER_TURN = 100;
const UNNAMED: Name = { text: '', key: '' };

/** The form in which two texts are compared. */
export function fold(text: string): string {
  const isAscii = /^[\0-\x7f]*$/.test(text);
  return (isAscii ? text : text.normalize('NFKD').replace(/\p{M}/gu, '')).toLowerCase();
}

/** `usesPinyin`: Chinese names are found and sorted by their Pinyin. */
export function createNames(usesPinyin: boolean) {
  const names = new WeakMap<Profile, Name>();
  const loading = usesPinyin ? import('pinyin-pro') : null;
  // A search tells of its failure; until there is one nobody listens.
  loading?.catch(() => {});

  /** Makes the names of all these profiles, once for each of them. */
  async function prepare(profiles: Iterable<Profile | null>): Promise<void> {
    const pinyin = (await loading)?.pinyin;
    let made = 0;
    for (const profile of profiles) {
      if (profile?.nick == null || names.has(profile)) continue;
      names.set(profile, nameFrom(profile.nick, pinyin));
      if (++made % NAMES_PER_TURN === 0) await nextTurn();
    }
  }

  return {
    prepare,
    /** The name of a profile that was prepared. */
    nameOf: (profile: Profile | null): Name => (profile && names.get(profile)) ?? UNNAMED,
  };
}

function nameFrom(nick: string, pinyin: typeof toPinyin | undefined): Name {
  const folded = fold(nick);
  if (!pinyin || !/\p{Script=Han}/u.test(nick)) return { text: folded, key: folded.slice(0, MAX_KEY_LENGTH) };
  const syllables = pinyin(nick, { toneType: 'none', type: 'array', v: true, surname: 'head' }).map(fold);
  const whole = syllables.join('');
  const initials = syllables.map((syllable) => syllable[0]).join('');
  return { text: [folded, whole, initials].join('\n'), key: whole.slice(0, MAX_KEY_LENGTH) };
}
