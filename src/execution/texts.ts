// Lists that are the same whenever they are written: a page of members is asked for many times, and written once.
import { LRUCache } from 'lru-cache';

export type Texts = {
  /** A number for what a program selects of the items of a list. */
  newSelection(): number;
  /** What was selected of this list, as it was written before. */
  find(list: object, selection: number): string | undefined;
  keep(list: object, selection: number, text: string): void;
  /** What is kept, in estimated bytes. */
  bytes(): number;
};

/** What an entry takes beside its text. */
const ENTRY_BYTES = 300;

/** Makes a memory of so many bytes. It keeps no list alive; a text whose list has gone goes when others need its room. */
export function createTexts(maxBytes: number): Texts {
  const texts = new LRUCache<string, string>({ maxSize: maxBytes, sizeCalculation: bytesOf });
  const numbers = new WeakMap<object, number>();
  let lists = 0;
  let selections = 0;

  return {
    newSelection: () => ++selections,
    find(list, selection) {
      const number = numbers.get(list);
      return number === undefined ? undefined : texts.get(`${number} ${selection}`);
    },
    keep(list, selection, text) {
      const number = numbers.get(list) ?? ++lists;
      numbers.set(list, number);
      texts.set(`${number} ${selection}`, text);
    },
    bytes: () => texts.calculatedSize,
  };
}

/** One letter beyond ASCII may have all take two bytes. Counting has V8 join the pieces that the text was made of. */
function bytesOf(text: string): number {
  return ENTRY_BYTES + (Buffer.byteLength(text) === text.length ? text.length : 2 * text.length);
}
