// Reads and changes at once on several replicas: an invalidated value never comes back.
import { describe, expect, test } from 'vitest';
import { createRedisLink, type RedisLink } from '../../src/cache/redis-link.ts';
import type { Clock } from '../../src/clock.ts';
import type { CachedFollowService } from '../../src/follow/cached-follow-service.ts';
import { type CacheKind, pageGroup, relationKey } from '../../src/follow/caches.ts';
import { type DomainEvent, type Group, groupsOf } from '../../src/follow/invalidation.ts';
import type { FollowList, FollowPage, UserId } from '../../src/follow/model.ts';
import type { CallOptions } from '../../src/follow/services.ts';
import { nodeOf } from '../../src/redis/client.ts';
import { connectRedis } from '../../src/redis/connect.ts';
import { createRandom } from '../../src/sandbox/seed.ts';
import { createRunningClock } from '../support/clock.ts';
import { SEED } from '../support/random-cases.ts';
import { STORAGES, useStorage } from '../support/storage.ts';
import { callAt, createService, named, type Source } from './service.ts';

const CHANGES = 1000;
const USERS = ['anna', 'bert', 'cleo', 'dora', 'emil', 'fred'];
const LISTS: readonly FollowList[] = ['fans', 'follows', 'mutuals'];
const RELATIONS = ['NONE', 'FAN', 'FOLLOWING', 'MUTUAL'] as const;

/** The same schedule for the same seed, as far as sockets allow. */
function createDice(seed: number) {
  const random = createRandom(seed);
  return (below: number) => Math.floor(random() * below);
}

const turns = async (count: number) => {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve));
};

/** The truth, as a number that each change of a group raises. */
function createTruth() {
  const now = new Map<string, number>();
  const nameOf = (kind: CacheKind, group: string) => `${kind} ${group}`;
  return {
    get: (kind: CacheKind, group: string) => now.get(nameOf(kind, group)) ?? 0,
    all: () => [...now],
    change(event: DomainEvent) {
      for (const { kind, group } of groupsOf(event)) now.set(nameOf(kind, group), this.get(kind, group) + 1);
    },
    snapshot: (groups: readonly Group[]) =>
      groups.map(({ kind, group }) => [nameOf(kind, group), now.get(nameOf(kind, group)) ?? 0] as const),
  };
}

/** The least that a replica's read of each group may bring from now on. */
function createFloors() {
  const floors = new Map<string, number>();
  return {
    get: (kind: CacheKind, group: string) => floors.get(`${kind} ${group}`) ?? 0,
    raise(to: readonly (readonly [string, number])[]) {
      for (const [name, value] of to) floors.set(name, Math.max(value, floors.get(name) ?? 0));
    },
  };
}

type Truth = ReturnType<typeof createTruth>;

/** An upstream that looks at the truth at some moment of each call, and answers at another. */
function createSource(truth: Truth, random: (below: number) => number): Source {
  const slowly = async <T>(look: () => T): Promise<T> => {
    await turns(random(12));
    const seen = look();
    await turns(random(30));
    return seen;
  };
  return {
    readPage: ({ userId, list }) =>
      slowly(
        (): FollowPage => ({
          next: '',
          // Every page carries every user's profile, so that each read of a page primes them all.
          entries: USERS.map((id) => {
            const value = truth.get('profile', id);
            return {
              user: { id, profile: named(String(value), random(3) === 0 ? null : value) },
              followedAt: truth.get('page', pageGroup(userId, list)),
            };
          }),
        }),
      ),
    readCounts: (ids) =>
      slowly(() => new Map(ids.map((id) => [id, { fans: truth.get('counts', id), follows: 0, mutuals: 0 }]))),
    readRelations: (from, ids) =>
      slowly(
        () => new Map(ids.map((to) => [to, RELATIONS[truth.get('relation', relationKey(from, to)) % 4] ?? 'NONE'])),
      ),
    readProfiles: (ids) => slowly(() => new Map(ids.map((id) => [id, named(String(truth.get('profile', id)))]))),
  };
}

type Replica = { service: CachedFollowService; floors: ReturnType<typeof createFloors>; hasHeardAll(): boolean };

const LIFETIMES = { freshMs: 1000, webhookFreshMs: 1000, staleMs: 60_000 };

/** Something that can be read: its group in the caches, and how to ask for it. */
type Question = {
  kind: CacheKind;
  group: string;
  ask(service: CachedFollowService, call: CallOptions): Promise<unknown>;
};

/** Every question that there is. What is asked answers with the number that the truth had. */
const QUESTIONS: readonly Question[] = USERS.flatMap((userId) => [
  ...LISTS.flatMap((list) =>
    [100, 101].map(
      (size): Question => ({
        kind: 'page',
        group: pageGroup(userId, list),
        ask: async (service, call) =>
          (await service.readPage({ userId, list, start: '', size }, call)).entries[0]?.followedAt,
      }),
    ),
  ),
  {
    kind: 'counts',
    group: userId,
    ask: async (service, call) => (await service.readCounts(userId, call)).fans,
  },
  {
    kind: 'profile',
    group: userId,
    ask: async (service, call) => Number((await service.readProfile(userId, call)).nick),
  },
  ...USERS.map(
    (other): Question => ({
      kind: 'relation',
      group: relationKey(userId, other),
      ask: async (service, call) => RELATIONS.indexOf(await service.readRelation(userId, other, call)),
    }),
  ),
]);

/** Whether `answer` was true at some time when `group` had values from `min` to `max`. */
const isBetween = ({ kind }: Question, answer: unknown, min: number, max: number) =>
  Array.from({ length: max - min + 1 }, (_, n) => min + n).some(
    (value) => answer === (kind === 'relation' ? value % RELATIONS.length : value),
  );

function someEvent(random: (below: number) => number): DomainEvent {
  const from = USERS[random(USERS.length)] as UserId;
  const to = USERS[random(USERS.length)] as UserId;
  const types = ['follow-changed', 'profile-changed', 'user-changed'] as const;
  const type = types[random(3)] ?? 'user-changed';
  return type === 'follow-changed' ? { type, from, to } : { type, userId: from };
}

describe.each(STORAGES)('on %s', (storage) => {
  const settings = useStorage(storage);

  async function openLink(clock: Clock): Promise<RedisLink | null> {
    const { REDIS_URL } = settings().env;
    if (!REDIS_URL) return null;
    const redis = await connectRedis({ nodes: REDIS_URL.split(',').map((url) => new URL(url)) });
    return createRedisLink({ redis, clock, timeoutMs: 10_000, nodeOf: (key) => nodeOf(redis, key), onChange() {} });
  }

  test(`after each of ${CHANGES} changes amid reads, no later read sees the value from before it`, async () => {
    const random = createDice(SEED);
    const clock = createRunningClock();
    const truth = createTruth();
    const source = createSource(truth, random);
    const prefix = `races:${SEED}`;
    const links: RedisLink[] = [];
    /** What was true of the groups of each message when it was sent; the same text may be sent many times. */
    const sent = new Map<string, (readonly (readonly [string, number])[])[]>();

    /** Its floors rise when a change has been invalidated here, and when it has heard of one from another replica. */
    async function open(memoryBytes: number): Promise<Replica> {
      const floors = createFloors();
      const received = new Map<string, number>();
      const listening = Promise.withResolvers<void>();
      const link = await openLink(clock);
      const options = { clock, lifetimes: LIFETIMES, memoryBytes };
      if (!link) return { floors, service: createService(source, options), hasHeardAll: () => true };
      links.push(link);
      const observed: RedisLink = {
        ...link,
        publish(channel, message) {
          sent.set(message, [...(sent.get(message) ?? []), truth.snapshot(JSON.parse(message).groups)]);
          return link.publish(channel, message);
        },
        subscribe: (channel, heard, missed) =>
          link.subscribe(
            channel,
            (message) => {
              heard(message);
              const count = received.get(message) ?? 0;
              received.set(message, count + 1);
              floors.raise(sent.get(message)?.[count] ?? []);
            },
            () => {
              missed();
              listening.resolve();
            },
          ),
      };
      const service = createService(source, { ...options, redis: { link: observed, prefix } });
      await listening.promise;
      const hasHeardAll = () => [...sent].every(([message, times]) => received.get(message) === times.length);
      return { floors, service, hasHeardAll };
    }

    const first = await open(1e6);
    const isShared = links.length > 0;
    const second = isShared ? await open(1e6) : first;
    // One that keeps nothing by itself sees what Redis has.
    const third = isShared ? await open(2000) : first;
    const replicas = [first, second, third];
    const wrong: string[] = [];
    const reads = new Set<Promise<void>>();

    async function readAndCheck(replica: Replica, question: Question): Promise<void> {
      const { kind, group } = question;
      const floor = replica.floors.get(kind, group);
      const answer = await question.ask(replica.service, callAt(clock));
      if (!isBetween(question, answer, floor, truth.get(kind, group)))
        wrong.push(`${kind} ${group} was ${answer}, at least ${floor} expected`);
    }
    function read(replica: Replica): void {
      const reading = readAndCheck(replica, QUESTIONS[random(QUESTIONS.length)] as Question);
      reads.add(reading);
      void reading.then(() => reads.delete(reading));
    }
    /** Lets everything that is under way end; then every replica, and Redis, must know the truth alone. */
    async function settleAndCheck(): Promise<void> {
      await Promise.all(reads);
      await turns(3);
      await Promise.all(links.map((link) => link.ask((redis) => redis.get('nothing'))));
      while (replicas.some(({ hasHeardAll }) => !hasHeardAll())) await turns(1);
      for (const { floors } of replicas) floors.raise(truth.all());
      for (const replica of [third, first, second])
        await Promise.all(QUESTIONS.map((question) => readAndCheck(replica, question)));
    }

    for (let n = 0; n < CHANGES; n++) {
      for (let reader = random(8); reader >= 0; reader--) read(replicas[random(3)] as Replica);
      await turns(random(12));
      const event = someEvent(random);
      const teller = random(2) === 0 ? first : second;
      truth.change(event);
      const floor = truth.snapshot(groupsOf(event));
      await teller.service.invalidate([event]);
      teller.floors.raise(floor);
      for (let reader = random(4); reader >= 0; reader--) read(random(3) === 0 ? third : teller);
      // Now and then cached values grow old, or older than fresh: they are renewed behind answers, or prefetched.
      if (random(4) === 0) clock.advance(random(1200));
      if (reads.size > 40) await Promise.race(reads);
      if (n % 20 === 19) await settleAndCheck();
    }
    await settleAndCheck();
    for (const link of links) link.close();
    expect(wrong, `seed ${SEED}`).toEqual([]);
  });
});
