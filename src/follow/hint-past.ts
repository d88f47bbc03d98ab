// Who was known to follow whom before a hint had it forgotten: by what is remembered, and by what was told. That somebody
// ceased to follow is news only where this is known. The upstream has no word on it: of somebody who never was a fan it
// says the same as of a fan who left.
import { LRUCache } from 'lru-cache';
import type { Log, LogEntry } from '../cache/log.ts';
import type { RedisLink } from '../cache/redis-link.ts';
import { createRedisTier } from '../cache/redis-tier.ts';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import { isFan, isFollowing, readChange } from './changes.ts';
import * as codec from './codec.ts';
import { groupOfPage, pageKey, relationKey } from './kinds.ts';
import type { FollowMemory } from './memory.ts';
import type { FollowPage, FollowRelation, PageQuery, UserId } from './model.ts';
import type { CallOptions } from './services.ts';

export type HintPast = {
  /** Notes what this process remembers of `from` and `targets`, at once: it may be forgotten next. Asks nobody for it. */
  note(from: UserId, targets: readonly UserId[]): void;
  /** Notes what Redis remembers of those of `targets` of whom nothing is known otherwise. Never rejects. */
  noteShared(from: UserId, targets: readonly UserId[]): Promise<void>;
  /** Whether `from` was seen to follow `to`, and nobody has told since that this ended. From now on it has. */
  end(from: UserId, to: UserId): boolean;
  close(): void;
};

export type HintPastOptions = {
  memory: Pick<FollowMemory, 'readPage' | 'readRelations'>;
  log: Pick<Log, 'listen' | 'recent'>;
  clock: Clock;
  /** Null: this process is alone. `prefix` is that of the memory. */
  redis: { link: RedisLink; prefix: string } | null;
  /** For how long after a change the upstream may be behind, in milliseconds. */
  lagMs: number;
  /** The sizes of the pages that others read. */
  pageSizes: readonly number[];
};

/** `doubtUntil`: what shows the opposite up to then (epoch milliseconds) may be from before. */
type Note = { follows: boolean; doubtUntil: number };

const MOST_PAIRS = 50_000;
/** So many pages of a list are looked through, from its head on. */
const MOST_PAGES = 10;
/** Until what was remembered during the lag is forgotten everywhere, in milliseconds. */
const GRACE_MS = 1000;

/** A read by somebody who is gone already answers from this process' memory, fresh or stale, or not at all. */
const ASKS_NOBODY: CallOptions = {
  signal: AbortSignal.abort(new GatewayError('UPSTREAM_TIMEOUT', 'Only what is remembered was wanted.')),
  deadlineAt: 0,
};

export function createHintPast({ memory, log, clock, redis, lagMs, pageSizes }: HintPastOptions): HintPast {
  const pairs = new LRUCache<string, Note>({ max: MOST_PAIRS });
  const shared = redis && readShared(redis, clock);

  for (const entry of log.recent()) hear(entry);
  // Who may have missed that somebody left knows of nobody any more.
  const stop = log.listen(hear, () => pairs.clear());

  function hear({ value }: LogEntry): void {
    const change = readChange(value);
    if (!change || change.type === 'profile-changed') return;
    const { type, from, to, mutual } = change;
    if (mutual) seen(to, from);
    if (type === 'followed') pairs.set(`${from} ${to}`, { follows: true, doubtUntil: 0 });
    else ended(from, to);
  }

  const ended = (from: UserId, to: UserId) =>
    pairs.set(`${from} ${to}`, { follows: false, doubtUntil: clock.now() + lagMs + GRACE_MS });

  function seen(from: UserId, to: UserId): void {
    const known = pairs.get(`${from} ${to}`);
    if (known && (known.follows || clock.now() < known.doubtUntil)) return;
    pairs.set(`${from} ${to}`, { follows: true, doubtUntil: 0 });
  }

  function seeRelation(from: UserId, to: UserId, relation: FollowRelation): void {
    if (isFollowing(relation)) seen(from, to);
    if (isFan(relation)) seen(to, from);
  }

  /** Of heads everybody is noted, since they are forgotten with each change; of the rest who is asked for. */
  function seePage({ userId, list, start }: PageQuery, page: FollowPage, asked: ReadonlySet<UserId>): void {
    for (const { user } of page.entries) {
      if (start !== '' && !asked.has(user.id)) continue;
      if (list !== 'fans') seen(userId, user.id);
      if (list !== 'follows') seen(user.id, userId);
    }
  }

  function pageHere(query: PageQuery): FollowPage | null {
    try {
      const page = memory.readPage(query, ASKS_NOBODY);
      if (!(page instanceof Promise)) return page;
      page.catch(() => {});
    } catch (error) {
      // It is remembered that there is no such account.
      if (!(error instanceof GatewayError)) throw error;
    }
    return null;
  }

  async function relationHere(from: UserId, to: UserId): Promise<void> {
    const relation = (await memory.readRelations(from, [to], ASKS_NOBODY)).get(to);
    if (relation !== undefined && !(relation instanceof Error)) seeRelation(from, to, relation);
  }

  const isKnown = (from: UserId, to: UserId): boolean => pairs.get(`${from} ${to}`)?.follows === true;

  return {
    end(from, to) {
      const wasKnown = isKnown(from, to);
      if (wasKnown) ended(from, to);
      return wasKnown;
    },
    note(from, targets) {
      const asked = new Set([from, ...targets]);
      for (const head of headsOf(from, targets, pageSizes)) {
        for (let query = head, pages = 1; pages <= MOST_PAGES; pages++) {
          const page = pageHere(query);
          if (page) seePage(query, page, asked);
          if (!page || page.next === '') break;
          query = { ...head, start: page.next };
        }
      }
      for (const [one, other] of pairsOf(from, targets)) relationHere(one, other).catch(() => {});
    },
    async noteShared(from, targets) {
      if (!shared) return;
      // What this process remembers of relations comes by promises.
      await Promise.allSettled(pairsOf(from, targets).map(([one, other]) => relationHere(one, other)));
      const unknown = targets.filter((to) => !isKnown(from, to));
      if (unknown.length === 0) return;
      const asked = new Set([from, ...unknown]);
      const relations = pairsOf(from, unknown).map(async ([one, other]) => {
        const relation = await shared.relation(one, other);
        if (relation) seeRelation(one, other, relation);
      });
      const lists = headsOf(from, unknown, pageSizes).map(async (head) => {
        for (let query = head, pages = 1; pages <= MOST_PAGES; pages++) {
          const page = pageHere(query) ?? (await shared.page(query));
          if (page) seePage(query, page, asked);
          if (!page || page.next === '') break;
          query = { ...head, start: page.next };
        }
      });
      await Promise.all([...relations, ...lists]);
    },
    close: stop,
  };
}

/** The heads of all lists in which it shows whether `from` follows one of `targets`. */
function headsOf(from: UserId, targets: readonly UserId[], sizes: readonly number[]): PageQuery[] {
  const lists = [
    { userId: from, list: 'follows' },
    { userId: from, list: 'mutuals' },
    ...targets.flatMap((userId) => [{ userId, list: 'fans' } as const, { userId, list: 'mutuals' } as const]),
  ] as const;
  return lists.flatMap((list) => sizes.map((size) => ({ ...list, start: '', size })));
}

/** Both points of view. */
const pairsOf = (from: UserId, targets: readonly UserId[]): [UserId, UserId][] =>
  targets.flatMap((to): [UserId, UserId][] => [
    [from, to],
    [to, from],
  ]);

/** What the memories of all replicas have put into Redis: only read, so that it keeps no account of forgetting. */
function readShared({ link, prefix }: { link: RedisLink; prefix: string }, clock: Clock) {
  const reading = { link, clock, usableMs: 0, absentMs: 0, replica: '' };
  const pages = createRedisTier({ ...reading, ...codec.page, prefix: `${prefix}:page`, groupOf: groupOfPage });
  const relations = createRedisTier({
    ...reading,
    ...codec.relation,
    prefix: `${prefix}:relation`,
    groupOf: (key) => key,
  });
  return {
    page: async (query: PageQuery) => (await pages.get(pageKey(query)))?.value,
    relation: async (from: UserId, to: UserId) => (await relations.get(relationKey(from, to)))?.value,
  };
}
