// What is done with a hint that something has happened: whatever it may concern is forgotten at once, and when the
// upstream, asked anew, says the same, and it was not so before, it is a fact that others are told. Nothing is believed of
// a hint itself, so one that is forged, late, or out of order costs a few reads, and no more.
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Log } from '../cache/log.ts';
import type { RedisLink } from '../cache/redis-link.ts';
import type { Clock } from '../clock.ts';
import type { Change, FollowChange } from './changes.ts';
import { createHintNews, HEAD_SIZE, isMissing } from './hint-news.ts';
import { createHintPast } from './hint-past.ts';
import type { FollowMemory } from './memory.ts';
import type { UserId } from './model.ts';
import type { RecentChanges } from './recent-changes.ts';
import type { CallOptions } from './services.ts';
import type { Settling } from './settling.ts';

/** `at` is when it is said to have happened; `eventTime` the same, null where the hint did not say. Epoch milliseconds. */
export type Hint = { at: number; eventTime: number | null } & (
  | { type: FollowChange['type']; from: UserId; to: readonly UserId[] }
  | { type: 'profile-changed'; userId: UserId }
);
type FollowHint = Extract<Hint, { from: UserId }>;

/** What became of a hint: `crowded` ones are acted on, but not looked into. */
export type HintOutcome = 'taken' | 'duplicate' | 'own' | 'crowded';

export type Hints = {
  /** Takes a hint and answers at once; what it asks for is done later. */
  take(hint: Hint): HintOutcome;
  /** Leaves what is not done yet. */
  close(): void;
};

export type HintsOptions = {
  /** As the upstream tells it: what is known better elsewhere must not pass for the upstream's word. */
  memory: Pick<FollowMemory, 'forget' | 'noteTold' | 'readPage' | 'readRelations' | 'readProfiles'>;
  log: Pick<Log, 'append' | 'listen' | 'recent'>;
  clock: Clock;
  /** Whether such a change is one of this gateway's own: then it is known already. */
  explains?: RecentChanges['explains'];
  settling?: Pick<Settling, 'later'>;
  /** Lets one replica alone look into a hint that came to several, and look at what others remember. */
  redis: { link: RedisLink; prefix: string } | null;
  /** For how long after a change the upstream may be behind, in milliseconds; 0: not at all. */
  lagMs?: number;
  /** The sizes of the pages that are remembered. */
  pageSizes?: readonly number[];
  onBug(error: unknown): void;
  /** The most hints that are looked into at the same time. */
  mostAtWork?: number;
};

const MOST_AT_WORK = 1000;
/** What the upstream does not say yet is asked again after these pauses, since its parts may lag behind each other. */
const PAUSES_MS = [1000, 5000];
const LOOK_MS = 10_000;
/** The same hint within so many seconds is a duplicate: the upstream may deliver it more than once (contract 7.2). */
const DUPLICATE_SECONDS = 600;
const MOST_REMEMBERED = 10_000;

export function createHints(options: HintsOptions): Hints {
  const { memory, log, clock, explains = () => false, settling, redis, onBug, mostAtWork = MOST_AT_WORK } = options;
  const { lagMs = 0, pageSizes = [] } = options;
  const closed = new AbortController();
  const past = createHintPast({ memory, log, clock, redis, lagMs, pageSizes: [...new Set([HEAD_SIZE, ...pageSizes])] });
  const news = createHintNews({ memory, past, explains, lagMs });
  const taken = new LRUCache<string, number>({ max: MOST_REMEMBERED });
  let atWork = 0;

  function isRepeated(name: string | null): boolean {
    if (name === null) return false;
    const at = taken.get(name) ?? Number.NEGATIVE_INFINITY;
    if (clock.now() - at < DUPLICATE_SECONDS * 1000) return true;
    taken.set(name, clock.now());
    return false;
  }

  const claimOf = (name: string): string => `${redis?.prefix}:hint:${name}`;

  /** Whether no other replica has taken the same. Without Redis nobody knows, and twice is better than never. */
  async function isFirst(name: string | null): Promise<boolean> {
    if (name === null || !redis) return true;
    const key = claimOf(name);
    const set = await redis.link.ask((client) => client.set(key, '1', 'EX', DUPLICATE_SECONDS, 'NX'), key);
    return set !== null;
  }

  const look = (): CallOptions => ({
    signal: closed.signal,
    deadlineAt: clock.now() + LOOK_MS,
    priority: 'revalidation',
  });

  /** Does `attempt` until it is done with, with pauses; what is never done is left. */
  async function persist(attempt: () => Promise<boolean>): Promise<void> {
    for (const pauseMs of PAUSES_MS) {
      if (await attempt()) return;
      await clock.sleep(pauseMs, closed.signal);
    }
    await attempt();
  }

  async function lookIntoFollow(hint: FollowHint, targets: readonly UserId[], name: string | null) {
    const { type, from } = hint;
    let open = targets;
    const forget = () => Promise.all(open.map((to) => memory.forget({ type: 'follow-changed', from, to })));
    past.note(from, targets);
    // Whom another replica has seen as a fan can be lost too; it shows for as long as it is not forgotten.
    if (type === 'unfollowed' && redis) await past.noteShared(from, targets).catch(onBug);
    await forget();
    if (!(await isFirst(name))) return;
    for (const to of targets) settling?.later({ type: 'follow-changed', from, to });
    let isAgain = false;
    await persist(async () => {
      // What was read meanwhile may have lacked the change, as this look did.
      if (isAgain) await forget();
      isAgain = true;
      const found = await news.of(hint, open, look());
      open = found.open;
      await tell(found.facts);
      return open.length === 0;
    });
  }

  async function lookIntoProfile(userId: UserId, at: number, name: string | null) {
    await memory.forget({ type: 'profile-changed', userId });
    if (!(await isFirst(name))) return;
    await persist(async () => {
      const profile = (await memory.readProfiles([userId], look())).get(userId);
      if (isMissing(profile)) return true;
      if (profile === undefined || profile instanceof Error) return false;
      await tell([{ type: 'profile-changed', userId, at }]);
      return true;
    });
  }

  const tell = (facts: readonly Change[]) => Promise.all(facts.map((fact) => log.append(fact)));

  /** What was not done is no reason to pass over the same hint when it comes again. */
  function leaveOpen(name: string): void {
    taken.delete(name);
    const claim = claimOf(name);
    void redis?.link.ask((client) => client.del(claim), claim);
  }

  async function work(name: string | null, job: () => Promise<void>): Promise<void> {
    atWork++;
    try {
      await job();
    } catch (error) {
      if (name !== null) leaveOpen(name);
      if (!closed.signal.aborted) onBug(error);
    } finally {
      atWork--;
    }
  }

  function takeFollow(hint: FollowHint): HintOutcome {
    const { type, from, at } = hint;
    memory.noteTold();
    const targets = hint.to.filter((to) => !explains(type, from, to, at));
    // Known already, and forgotten then; once more, since something else of the same kind may be meant.
    for (const to of hint.to)
      if (!targets.includes(to)) memory.forget({ type: 'follow-changed', from, to }).catch(onBug);
    if (targets.length === 0) return 'own';
    const name = nameOf(hint);
    if (isRepeated(name)) return 'duplicate';
    if (atWork < mostAtWork) {
      void work(name, () => lookIntoFollow(hint, targets, name));
      return 'taken';
    }
    for (const to of targets) memory.forget({ type: 'follow-changed', from, to }).catch(onBug);
    return 'crowded';
  }

  return {
    take(hint) {
      if (hint.type !== 'profile-changed') return takeFollow(hint);
      const { userId, at } = hint;
      const name = nameOf(hint);
      if (isRepeated(name)) return 'duplicate';
      if (atWork < mostAtWork) {
        void work(name, () => lookIntoProfile(userId, at, name));
        return 'taken';
      }
      memory.forget({ type: 'profile-changed', userId }).catch(onBug);
      return 'crowded';
    },
    close() {
      past.close();
      closed.abort();
    },
  };
}

/** Hints have no ids; what they say has to do (contract 7.2). Without a time each is another one. */
function nameOf(hint: Hint): string | null {
  if (hint.eventTime === null) return null;
  const users = hint.type === 'profile-changed' ? [hint.userId] : [hint.from, ...hint.to.toSorted()];
  return createHash('sha256')
    .update([hint.type, hint.eventTime, ...users].join(' '))
    .digest('base64url');
}
