// Names as people search and sort them: width, case and accents make no difference, and Chinese answers to its Pinyin.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { pinyin as toPinyin } from 'pinyin-pro';
import type { Profile, UserHandle } from './model.ts';

/** `text` is what is searched, id and nick; `key` is what nicks are sorted by. */
export type Name = { readonly text: string; readonly key: string };

export type Names = ReturnType<typeof createNames>;

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
