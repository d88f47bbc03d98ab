// The log's Redis half: one stream that every replica appends to and follows. What Redis was not there for is heard here
// at once, and told to the others when it is back.
import type { Redis } from 'ioredis';
import type { Clock } from '../clock.ts';
import { compareIds, FIRST_ID, idBefore } from './log-id.ts';
import type { LogMemory } from './log-memory.ts';
import { APPEND, readStreamEntry, readText, type StreamEntry } from './log-script.ts';
import type { RedisLink } from './redis-link.ts';
import { withinTime } from './within-time.ts';

export type LogStreamOptions = {
  link: RedisLink;
  key: string;
  most: number;
  clock: Clock;
  replica: string;
  memory: LogMemory;
};

type Untold = { readonly nonce: string; readonly text: string };

/** How long Redis holds on to a question for news while there are none, in milliseconds. */
const WAIT_MS = 2000;
/** A connection that is silent for so much longer is none. */
const SILENCE_MS = 1000;
/** So many entries are read at once. */
const PAGE = 500;
/** So many entries wait for Redis to be back; beyond that the oldest ones are dropped, and the others are told so. */
const MOST_UNTOLD = 10_000;

export function joinStream({ link, key, most, clock, replica, memory }: LogStreamOptions) {
  /** The last entry that was read of the stream; null until that has begun. */
  let position: string | null = null;
  /** Whether this replica has done without the stream before it could read it. */
  let isLate = false;
  let reading: Promise<boolean> | null = null;
  let readingNext: Promise<boolean> | null = null;
  let telling: Promise<void> | null = null;
  /** Own entries on their way, and the ids under which they were heard by now. */
  const underWay = new Map<string, string | null>();
  let untold: Untold[] = [];
  let hasDropped = false;
  let written = 0;
  const dropped = `${replica}:dropped`;
  link.whenBack(() => void tellUntold());
  const leave = link.keep(key, follow);

  /** Takes entries that come behind `from`, wherever they were read; those that are known already are passed over. */
  function take(entries: readonly StreamEntry[]): void {
    for (const { id, before, nonce, text } of entries) {
      if (position !== null && compareIds(id, position) <= 0) continue;
      const place = before || idBefore(id);
      // The first entry of a stream cannot tell whether there was one before that stream.
      if (position === null || (before === '' && position === FIRST_ID)) memory.beginAt(place);
      else if (before !== null && before !== position) memory.miss(place);
      position = id;
      if (text === '' && nonce !== dropped) memory.miss(id);
      const value = readText(text);
      if (value === undefined) continue;
      if (!nonce.startsWith(replica)) {
        if (!memory.hasHeard(nonce)) memory.hear(id, value, nonce);
      } else if (underWay.get(nonce) === null) underWay.set(nonce, memory.hear(id, value, nonce));
    }
  }

  /** Reads what the stream holds by now behind our place in it. False when Redis is away. */
  function catchUp(): Promise<boolean> {
    if (reading) {
      // That one may have been too early for what is looked for now.
      readingNext ??= reading.then(() => {
        readingNext = null;
        return catchUp();
      });
      return readingNext;
    }
    reading = readOn().finally(() => {
      reading = null;
    });
    return reading;
  }

  async function readOn(): Promise<boolean> {
    const wasLate = isLate && position === null;
    for (;;) {
      const from = position === null ? '-' : `(${position}`;
      const found = await link.ask((redis) => redis.xrange(key, from, '+', 'COUNT', PAGE), key);
      if (!found) {
        isLate ||= position === null;
        return false;
      }
      take(found.map(readStreamEntry));
      position ??= FIRST_ID;
      if (found.length === PAGE) continue;
      if (wasLate) memory.miss();
      return true;
    }
  }

  /** Follows the stream on a connection of its own, until that breaks. */
  async function follow(connection: Redis): Promise<void> {
    const within = <T>(answer: Promise<T>) => withinTime(clock, WAIT_MS + SILENCE_MS, answer);
    if (position === null && !(await catchUp())) return;
    for (;;) {
      await within(checkKept(connection));
      if (untold.length > 0) void tellUntold();
      for (let isQuiet = false; !isQuiet; ) {
        const from = position ?? FIRST_ID;
        const found = await within(connection.xread('COUNT', PAGE, 'BLOCK', WAIT_MS, 'STREAMS', key, from));
        take(found?.[0]?.[1].map(readStreamEntry) ?? []);
        isQuiet = !found;
      }
    }
  }

  /** A stream that does not reach our place any more was emptied. */
  async function checkKept(connection: Redis): Promise<void> {
    const from = position;
    if (from === null) return;
    const [last] = await connection.xrevrange(key, '+', '-', 'COUNT', 1);
    if (compareIds(last?.[0] ?? FIRST_ID, from) >= 0 || position !== from) return;
    memory.miss();
    position = FIRST_ID;
  }

  /** Writes an entry to the stream, and hears it and all before it. False when Redis did not take it. */
  async function tell({ nonce, text }: Untold): Promise<boolean> {
    if (position === null && !(await catchUp())) return false;
    const answer = await link.run(APPEND, [key], [most, streamPlace(), nonce, text]);
    if (!Array.isArray(answer)) return false;
    const [id, before] = answer as [string, string];
    if ((before || FIRST_ID) === position) take([{ id, before, nonce, text }]);
    // What others have written before it comes first.
    else await catchUp();
    return true;
  }

  const streamPlace = () => memory.newest().split('.', 1)[0] as string;

  /** Tells the others, in order, what Redis was not there for. */
  function tellUntold(): Promise<void> {
    telling ??= tellInOrder().finally(() => {
      telling = null;
    });
    return telling;
  }

  async function tellInOrder(): Promise<void> {
    if (hasDropped) {
      if (!(await tell({ nonce: dropped, text: '' }))) return;
      hasDropped = false;
    }
    for (let next = untold[0]; next; next = untold[0]) {
      if (!(await tell(next))) return;
      if (untold[0] === next) untold.shift();
    }
  }

  return {
    catchUp,
    async append(value: object): Promise<string> {
      const entry = { nonce: `${replica}:${++written}`, text: JSON.stringify(value) };
      underWay.set(entry.nonce, null);
      if (untold.length > 0) await tellUntold();
      if (untold.length > 0 || !(await tell(entry))) {
        untold.push(entry);
        if (untold.length > Math.min(most, MOST_UNTOLD)) {
          untold = untold.slice(1);
          hasDropped = true;
        }
      }
      const id = underWay.get(entry.nonce) ?? memory.hear(null, value, entry.nonce);
      underWay.delete(entry.nonce);
      return id;
    },
    close: leave,
  };
}
