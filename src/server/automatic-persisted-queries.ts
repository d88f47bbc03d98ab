// Automatic persisted queries (Apollo's protocol): a text that came once with its hash answers to the hash from then on.
import { LRUCache } from 'lru-cache';
import type { RedisLink } from '../cache/redis-link.ts';
import { hashOf } from './document-request.ts';

export type AutomaticPersistedQueries = {
  /** The text with this hash, if it is known here: at once; else by a promise, if another replica knows it. */
  find(hash: string): string | Promise<string | undefined>;
  /** The text with this hash, if this process knows it. */
  peek(hash: string): string | undefined;
  /** Keeps a text whose hash is right. */
  keep(hash: string, text: string): void;
};

const DAY_SECONDS = 86_400;
const MOST_LETTERS = 2_000_000;
/** A longer text is sent whole each time: anybody may have one kept, in a Redis that others need. */
const LONGEST_TEXT = 16_384;

/** Creates the store of one gateway: shared by all replicas where there is Redis, and good without it. */
export function createAutomaticPersistedQueries(
  redis: { link: Pick<RedisLink, 'ask'>; prefix: string } | null,
): AutomaticPersistedQueries {
  const texts = new LRUCache<string, string>({
    maxSize: MOST_LETTERS,
    sizeCalculation: (text, hash) => text.length + hash.length,
  });
  const keyOf = (hash: string) => `${redis?.prefix}:apq:${hash}`;

  async function findShared(hash: string): Promise<string | undefined> {
    const key = keyOf(hash);
    const text = await redis?.link.ask((client) => client.get(key), key);
    // Whatever else writes to that Redis, a hash stands for one text alone.
    if (!text || hashOf(text) !== hash) return undefined;
    texts.set(hash, text);
    return text;
  }

  return {
    peek: (hash) => texts.get(hash),
    find: (hash) => texts.get(hash) ?? findShared(hash),
    keep(hash, text) {
      if (text.length > LONGEST_TEXT || texts.has(hash)) return;
      texts.set(hash, text);
      const key = keyOf(hash);
      void redis?.link.ask((client) => client.set(key, text, 'EX', DAY_SECONDS), key);
    },
  };
}
