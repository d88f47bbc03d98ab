// The follow graph as this house remembers it: the same questions as the upstream answers, asked as seldom as possible.
import { randomUUID } from 'node:crypto';
import { type Batcher, createBatcher, createGroupedBatcher } from '../cache/batcher.ts';
import type { AsOf, Found, ReadThrough } from '../cache/read-through.ts';
import type { RedisLink } from '../cache/redis-link.ts';
import { createRiders, type Riders } from '../cache/riders.ts';
import type { Waiter } from '../cache/single-flight.ts';
import { GatewayError } from '../errors.ts';
import { type DomainEvent, groupsOf } from './forgetting.ts';
import { createMemories, type Kind, type MemoriesOptions, pageKey, relationKey, usersOfRelation } from './kinds.ts';
import type { FollowCounts, FollowPage, FollowRelation, PageQuery, Profile, UserId } from './model.ts';
import { joinReplicas } from './replicas.ts';
import type { Batch, CallOptions, FollowService, Outcome, ProfileService } from './services.ts';
import { createWebhookLiveness } from './webhook-liveness.ts';

export type FollowMemory = Pick<FollowService, 'readCounts' | 'readRelations'> &
  Pick<ProfileService, 'readProfiles' | 'refusedTags'> & {
    /** Reads one upstream page: at once when it is remembered, else by a promise. */
    readPage(query: PageQuery, call: CallOptions): FollowPage | Promise<FollowPage>;
    /** What is fresh in memory, at once; undefined is not. Throws where it is known that there is no such account. */
    readonly now: RememberedNow;
    /** Whether it is known, without asking, that there is no such account. */
    isKnownMissing(userId: UserId): boolean;
    /**
     * Makes everything that `event` made wrong unfindable, on all replicas. Resolves when Redis has it, or is known to be
     * away: then it is told as soon as it is back.
     */
    forget(event: DomainEvent): Promise<void>;
    /** The upstream has told of a change: while it does, on whichever replica, what is remembered is believed for longer. */
    noteTold(): void;
    setRelation(from: UserId, to: UserId, value: FollowRelation): void;
    withdrawWebhooks(ms: number): void;
    /** Resolves when this replica hears the others, from when on it can trust what it remembers. */
    ready(): Promise<void>;
    /** What each kind takes in memory, in estimated bytes. */
    bytes(): Record<Kind, number>;
  };

export type RememberedNow = {
  page(query: PageQuery, call: CallOptions): FollowPage | undefined;
  counts(userId: UserId, call: CallOptions): FollowCounts | undefined;
  profile(userId: UserId, call: CallOptions): Profile | undefined;
  relation(from: UserId, to: UserId, call: CallOptions): FollowRelation | undefined;
};

export type FollowMemoryOptions = Omit<MemoriesOptions, 'redis' | 'toldSince'> & {
  follow: FollowService;
  profiles: ProfileService;
  /** `prefix` names the format and the app, so that two apps, or two formats, in one Redis never mix. */
  redis: { link: RedisLink; prefix: string } | null;
};

/** Largest batches of the upstream (contract, 0). */
const LARGEST = { counts: 20, profile: 100, relation: 100 } as const;
/** A remembered answer rides along in a spare seat when less than this share of its fresh time is left, */
const RIDER_SHARE = 0.5;
/** as long as somebody has asked for it within so many fresh times. */
const RIDER_MEMORY = 20;
/** or, where it is fresh for longer while changes are told, within so many of these. */
const TOLD_RIDER_MEMORY = 2;
const MOST_RIDERS = 20_000;
/** So many profiles that came along are remembered at once: with Redis each of them is a command. */
const PRIMED_IN_A_TURN = 50;
/** Clocks of a cluster's nodes differ: what came along with another read counts as read so much earlier. */
const CLOCK_SKEW_MICROS = 100_000;

export function createFollowMemory(options: FollowMemoryOptions): FollowMemory {
  const { follow, profiles, clock, redis, observer = {} } = options;
  const replica = randomUUID();
  // Without Redis nobody passes on what another replica was told.
  const toldSince = () => (redis && !redis.link.isUp() ? null : webhooks.since());
  const memories = createMemories({ ...options, toldSince, redis: redis && { ...redis, replica } });
  const { page, counts, profile, relation } = memories;
  const all: ReadThrough<unknown>[] = Object.values(memories);

  function batch<V extends object | string>(
    kind: 'counts' | 'profile',
    memory: ReadThrough<V>,
    ask: (keys: readonly string[], call: CallOptions) => Promise<Batch<V>>,
    riders: Riders,
    /** Whether a key also rides of which nothing is known. */
    bringsNew = false,
  ): Batcher<V> {
    return createBatcher<V>({
      clock,
      largest: LARGEST[kind],
      approaching: memory.lookingUp,
      call: ask,
      riders: (seats) => riders.board(seats, (key) => memory.isDue(key, RIDER_SHARE) ?? bringsNew),
      onRider: (key, value, asOf) => memory.put(key, value, versionOf(value), asOf),
      tick: memory.tick,
      skew: CLOCK_SKEW_MICROS,
      onBatch: (size) => observer.onBatch?.(kind, size),
    });
  }
  const ridersOf = (kind: Kind): Riders => {
    const { freshMs, toldMs } = options.lifetimes[kind];
    const memoryMs = Math.max(RIDER_MEMORY * freshMs, TOLD_RIDER_MEMORY * toldMs);
    return createRiders({ clock, memoryMs, most: MOST_RIDERS });
  };
  const riders = { counts: ridersOf('counts'), profile: ridersOf('profile') };
  const countsBatch = batch('counts', counts, follow.readCounts, riders.counts, true);
  const profileBatch = batch('profile', profile, profiles.readProfiles, riders.profile);
  // The upstream takes one point of view a call (contract 4.4).
  const relationBatch = createGroupedBatcher<FollowRelation>((key) => usersOfRelation(key)[0], {
    clock,
    largest: LARGEST.relation,
    approaching: relation.lookingUp,
    call: readRelationsFromOne,
    onBatch: (size) => observer.onBatch?.('relation', size),
  });

  /** Reads many keys of a kind that comes in batches. */
  async function readMany<V>(keys: readonly string[], memory: ReadThrough<V>, batch: Batcher<V>, call: CallOptions) {
    const load = (key: string) => async (waiter: Waiter, ticket: number | null) =>
      found(await batch.ask(key, waiter, ticket));
    return Promise.all(
      keys.map(async (key): Promise<Outcome<V>> => {
        try {
          return await memory.read(key, call, load(key));
        } catch (error) {
          if (error instanceof GatewayError) return error;
          throw error;
        }
      }),
    );
  }

  const byUser = <V>(userIds: readonly UserId[], outcomes: Outcome<V>[]): Batch<V> =>
    new Map(userIds.map((userId, i) => [userId, outcomes[i] as Outcome<V>]));

  const hearing = Promise.withResolvers<void>();
  if (!redis) hearing.resolve();
  const replicas =
    redis &&
    joinReplicas(redis.link, redis.prefix, replica, {
      forget({ kind, group, confirmed }) {
        if (confirmed) memories[kind].forgetHere(group);
        else void memories[kind].forget(group);
      },
      forgetEverything() {
        for (const memory of all) memory.clear();
      },
      told: (since) => webhooks.hear(since),
      missed() {
        hearing.resolve();
        for (const memory of all) memory.distrust();
      },
    });

  const webhooks = createWebhookLiveness({ clock, publish: replicas?.tellTold ?? null });

  return {
    readPage(query, call) {
      // Whose list is looked at, their counts are next: they may come along for nothing.
      riders.counts.note(query.userId);
      return page.read(pageKey(query), call, async (waiter, ticket) => {
        const asOf = { readAt: clock.now(), tick: profile.tick(), ticket: ticket && ticket - CLOCK_SKEW_MICROS };
        const value = await follow.readPage(query, waiter);
        setImmediate(prime, value.entries, asOf, 0);
        return { value };
      });
    },
    async readCounts(ids, call) {
      for (const id of ids) riders.counts.note(id);
      return byUser(ids, await readMany(ids, counts, countsBatch, call));
    },
    async readProfiles(ids, call) {
      for (const id of ids) riders.profile.note(id);
      return byUser(ids, await readMany(ids, profile, profileBatch, call));
    },
    readRelations: async (from, ids, call) => {
      const keys = ids.map((to) => relationKey(from, to));
      return byUser(ids, await readMany(keys, relation, relationBatch, call));
    },
    now: {
      page(query, call) {
        riders.counts.note(query.userId);
        return page.readNow(pageKey(query), call);
      },
      counts(userId, call) {
        riders.counts.note(userId);
        return counts.readNow(userId, call);
      },
      profile(userId, call) {
        riders.profile.note(userId);
        return profile.readNow(userId, call);
      },
      relation: (from, to, call) => relation.readNow(relationKey(from, to), call),
    },
    refusedTags: profiles.refusedTags,
    isKnownMissing: (userId) => profile.isAbsent(userId) || counts.isAbsent(userId),
    async forget(event) {
      const told = groupsOf(event).map(async ({ kind, group }) => {
        const confirmed = await memories[kind].forget(group);
        return { kind, group, confirmed };
      });
      replicas?.tell(await Promise.all(told));
    },
    noteTold: webhooks.note,
    setRelation(from, to, value) {
      relation.put(relationKey(from, to), value, null, { readAt: clock.now(), tick: relation.tick(), ticket: null });
    },
    withdrawWebhooks: webhooks.withdraw,
    ready: () => hearing.promise,
    bytes: () => ({ page: page.bytes(), counts: counts.bytes(), profile: profile.bytes(), relation: relation.bytes() }),
  };

  async function readRelationsFromOne(keys: readonly string[], call: CallOptions): Promise<Batch<FollowRelation>> {
    const [from] = usersOfRelation(keys[0] ?? '');
    const relations = await follow.readRelations(
      from,
      keys.map((key) => usersOfRelation(key)[1]),
      call,
    );
    return new Map(Array.from(relations, ([to, outcome]) => [relationKey(from, to), outcome]));
  }

  /** Profiles that came along with a page are remembered, behind the answer and some in each turn of the event loop. */
  function prime(entries: FollowPage['entries'], asOf: AsOf, from: number): void {
    const to = Math.min(from + PRIMED_IN_A_TURN, entries.length);
    for (let n = from; n < to; n++) {
      const user = entries[n]?.user;
      if (user?.profile?.whole) profile.put(user.id, profiles.asAsked(user.profile), user.profile.version, asOf);
    }
    if (to < entries.length) setImmediate(prime, entries, asOf, to);
  }
}

const found = <V>(value: V): Found<V> => ({ value, version: versionOf(value) });

/** Only profiles say which version they are. */
function versionOf(value: unknown): number | null {
  return typeof value === 'object' && value !== null && 'version' in value ? (value.version as number | null) : null;
}
