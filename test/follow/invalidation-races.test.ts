// Reads and changes at once on several replicas: an invalidated value never comes back.
import { expect, test } from 'vitest';
import type { RedisLink } from '../../src/cache/redis-link.ts';
import type { CachedFollowService } from '../../src/follow/cached-follow-service.ts';
import { type CacheKind, pageGroup, relationKey } from '../../src/follow/caches.ts';
import { type DomainEvent, type Group, groupsOf } from '../../src/follow/invalidation.ts';
import type { FollowList, FollowPage, UserId } from '../../src/follow/model.ts';
import type { CallOptions } from '../../src/follow/services.ts';
import { createRandom } from '../../src/sandbox/seed.ts';
import { createRunningClock } from '../support/clock.ts';
import { SEED } from '../support/random-cases.ts';
import { linkTo } from '../support/redis.ts';
import { STORAGES, useStorage } from '../support/storage.ts';
import { callAt, createService, named, type Source } from './service.ts';

const CHANGES = 1000;
const USERS = ['anna', 'bert', 'cleo', 'dora', 'emil', 'fred'];
const LISTS: readonly FollowList[] = ['fans', 'follows', 'mutuals'];
const RELATIONS = ['NONE', 'FAN', 'FOLLOWING', 'MUTUAL'] as const;

const turns = async (count: number) => {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve));
};

type Named = readonly [name: string, value: number];
const nameOf = ({ kind, group }: Group) => `${kind} ${group}`;

/** The truth, as a number that each change of a group raises; or the least that a replica's reads may bring from now on. */
function createNumbers() {
  const numbers = new Map<string, number>();
  const get = (group: Group) => numbers.get(nameOf(group)) ?? 0;
  const set = (named: readonly Named[]) => {
    for (const [name, value] of named) numbers.set(name, Math.max(value, numbers.get(name) ?? 0));
  };
  const snapshot = (groups: readonly Group[]) => groups.map((group): Named => [nameOf(group), get(group)]);
  return { get, set, snapshot, all: () => [...numbers] };
}

type Numbers = ReturnType<typeof createNumbers>;

/** An upstream that looks at the truth at some moment of each call, and answers at another. */
function createSource(truth: Numbers, random: (below: number) => number): Source {
  const slowly = async <T>(look: () => T): Promise<T> => {
    await turns(random(12));
    const seen = look();
    await turns(random(30));
    return seen;
  };
  const of = (kind: CacheKind, group: string) => truth.get({ kind, group });
  const mapOf = <V>(ids: readonly UserId[], read: (id: UserId) => V) =>
    slowly(() => new Map(ids.map((id) => [id, read(id)])));
  return {
    readPage: ({ userId, list }) =>
      slowly((): FollowPage => {
        const followedAt = of('page', pageGroup(userId, list));
        // Every page carries every user's profile, so that each read of a page primes them all.
        const entries = USERS.map((id) => {
          const value = of('profile', id);
          return { user: { id, profile: named(String(value), random(3) === 0 ? null : value) }, followedAt };
        });
        return { next: '', entries };
      }),
    readCounts: (ids) => mapOf(ids, (id) => ({ fans: of('counts', id), follows: 0, mutuals: 0 })),
    readRelations: (from, ids) =>
      mapOf(ids, (to) => RELATIONS[of('relation', relationKey(from, to)) % RELATIONS.length] ?? 'NONE'),
    readProfiles: (ids) => mapOf(ids, (id) => named(String(of('profile', id)))),
  };
}

type Replica = { service: CachedFollowService; floors: Numbers; hasHeardAll(): boolean };

const LIFETIMES = { freshMs: 1000, webhookFreshMs: 1000, staleMs: 60_000 };

/** Something that can be read: its group in the caches, and how to ask for the number that the truth had. */
type Question = Group & { ask(service: CachedFollowService, call: CallOptions): Promise<unknown> };

/** Every question that there is. */
const QUESTIONS: readonly Question[] = USERS.flatMap((userId): Question[] => [
  ...LISTS.flatMap((list) =>
    [100, 101].map((size): Question => {
      const query = { userId, list, start: '', size };
      const ask: Question['ask'] = async ({ readPage }, call) => (await readPage(query, call)).entries[0]?.followedAt;
      return { kind: 'page', group: pageGroup(userId, list), ask };
    }),
  ),
  { kind: 'counts', group: userId, ask: async ({ readCounts }, call) => (await readCounts(userId, call)).fans },
  {
    kind: 'profile',
    group: userId,
    ask: async ({ readProfile }, call) => Number((await readProfile(userId, call)).nick),
  },
  ...USERS.map((other): Question => {
    const ask: Question['ask'] = async ({ readRelation }, call) =>
      RELATIONS.indexOf(await readRelation(userId, other, call));
    return { kind: 'relation', group: relationKey(userId, other), ask };
  }),
]);

/** Whether `answer` was true at some time when its group had values from `min` to `max`. */
const isBetween = ({ kind }: Question, answer: unknown, min: number, max: number) =>
  Array.from({ length: max - min + 1 }, (_, n) => min + n).some(
    (value) => answer === (kind === 'relation' ? value % RELATIONS.length : value),
  );

/** Has replicas change and read at random; answers which reads brought what was no longer so. */
async function race(redisUrl: string | undefined): Promise<string[]> {
  const draw = createRandom(SEED);
  /** The same schedule for the same seed, as far as sockets allow. */
  const random = (below: number) => Math.floor(draw() * below);
  const pick = <T>(from: readonly T[]) => from[random(from.length)] as T;
  const clock = createRunningClock();
  const truth = createNumbers();
  const source = createSource(truth, random);
  const prefix = `races:${SEED}`;
  const links: RedisLink[] = [];
  /** What was true of the groups of each message when it was sent; the same text may be sent many times. */
  const sent = new Map<string, (readonly Named[])[]>();

  /** Its floors rise when a change has been invalidated here, and when it has heard of one from another replica. */
  async function open(memoryBytes: number): Promise<Replica> {
    const floors = createNumbers();
    const received = new Map<string, number>();
    const listening = Promise.withResolvers<void>();
    const { link = null } = redisUrl === undefined ? {} : await linkTo(redisUrl, clock, 10_000);
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
            floors.set(sent.get(message)?.[count] ?? []);
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

  async function readAndCheck({ floors, service }: Replica, question: Question): Promise<void> {
    const floor = floors.get(question);
    const answer = await question.ask(service, callAt(clock));
    if (!isBetween(question, answer, floor, truth.get(question)))
      wrong.push(`${nameOf(question)} was ${answer}, at least ${floor} expected`);
  }
  function read(replica: Replica): void {
    const reading = readAndCheck(replica, pick(QUESTIONS));
    reads.add(reading);
    void reading.then(() => reads.delete(reading));
  }
  function someEvent(): DomainEvent {
    const from = pick(USERS);
    const type = pick(['follow-changed', 'profile-changed', 'user-changed'] as const);
    return type === 'follow-changed' ? { type, from, to: pick(USERS) } : { type, userId: from };
  }
  /** Lets everything that is under way end; then every replica, and Redis, must know the truth alone. */
  async function settleAndCheck(): Promise<void> {
    await Promise.all(reads);
    await turns(3);
    await Promise.all(links.map((link) => link.ask((redis) => redis.get('nothing'))));
    while (replicas.some(({ hasHeardAll }) => !hasHeardAll())) await turns(1);
    for (const { floors } of replicas) floors.set(truth.all());
    for (const replica of [third, first, second])
      await Promise.all(QUESTIONS.map((question) => readAndCheck(replica, question)));
  }

  for (let n = 0; n < CHANGES; n++) {
    for (let reader = random(8); reader >= 0; reader--) read(pick(replicas));
    await turns(random(12));
    const event = someEvent();
    const teller = pick([first, second]);
    truth.set(truth.snapshot(groupsOf(event)).map(([name, value]) => [name, value + 1]));
    const floor = truth.snapshot(groupsOf(event));
    await teller.service.invalidate([event]);
    teller.floors.set(floor);
    for (let reader = random(4); reader >= 0; reader--) read(random(3) === 0 ? third : teller);
    // Now and then cached values grow old, or older than fresh: they are renewed behind answers, or prefetched.
    if (random(4) === 0) clock.advance(random(1200));
    if (reads.size > 40) await Promise.race(reads);
    if (n % 20 === 19) await settleAndCheck();
  }
  await settleAndCheck();
  return wrong;
}

const storages = STORAGES.map((storage) => [storage, useStorage(storage)] as const);

// Side by side, since each waits for its servers.
test(`after each of ${CHANGES} changes amid reads, no later read sees the value from before it, on any storage`, {
  timeout: 120_000,
}, async () => {
  const races = storages.map(async ([storage, settings]) => [storage, await race(settings().env.REDIS_URL)]);
  const nothingWrong = STORAGES.map((storage) => [storage, []]);
  expect(await Promise.all(races), `seed ${SEED}`).toEqual(nothingWrong);
});
