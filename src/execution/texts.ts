// Lists that are the same whenever they are written: a page of members is asked for many times, and written once, as the
// bytes that leave.
import { LRUCache } from 'lru-cache';

export type Texts = {
  /** A number for what a program selects of the items of a list. */
  newSelection(): number;
  /** What was selected of this list, as it was written before. */
  find(list: object, selection: number): Buffer | undefined;
  /** Told of what was just written; what is written for the first time need not be asked for again. */
  keep(list: object, selection: number, text: string): void;
  /** What is kept, in estimated bytes. */
  bytes(): number;
};

/** What an entry takes beside its text. */
const ENTRY_BYTES = 1000;

/** Makes a memory of so many bytes. It keeps no list alive; a text whose list has gone goes when others need its room. */
export function createTexts(maxBytes: number): Texts {
  const texts = new LRUCache<string, Buffer>({
    maxSize: maxBytes,
    sizeCalculation: ({ byteLength }) => ENTRY_BYTES + byteLength,
  });
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
      const number = numbers.get(list);
      if (number === undefined) {
        numbers.set(list, ++lists);
        return;
      }
      const size = Buffer.byteLength(text);
      // It would push everything else out, and not even fit.
      if (size > maxBytes / 4) return;
      // Of its own: a part of Node's pool would keep the whole of it.
      const bytes = Buffer.allocUnsafeSlow(size);
      bytes.write(text);
      texts.set(`${number} ${selection}`, bytes);
    },
    bytes: () => texts.calculatedSize,
  };
}
