// A hint makes the memory forget; what is told to others is what the upstream says when it is asked anew.
import { expect, onTestFinished, test } from 'vitest';
import { createLog } from '../../src/cache/log.ts';
import { createRedisLink } from '../../src/cache/redis-link.ts';
import { createHints, type Hint, type HintsOptions } from '../../src/follow/hints.ts';
import { createFollowMemory } from '../../src/follow/memory.ts';
import type { FollowRelation } from '../../src/follow/model.ts';
import { connectRedis, createRedisClient } from '../../src/redis.ts';
import { createSandbox, SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { createTencentClient } from '../../src/tencent/client.ts';
import { createFollowService } from '../../src/tencent/follow-service.ts';
import { createProfileService } from '../../src/tencent/profile-service.ts';
import { createHastyClock, createRunningClock } from '../support/clock.ts';
import { startRedis } from '../support/redis.ts';

const HOUR_MS = 3_600_000;
const LIFETIMES = { freshMs: HOUR_MS, toldMs: HOUR_MS, usableMs: HOUR_MS, absentMs: HOUR_MS };

async function openWorld(clock = createHastyClock()) {
  const sandbox = createSandbox({ emptyWorld: true, clock, rateLimits: Number.POSITIVE_INFINITY });
  const { url: baseUrl } = await sandbox.listen();
  onTestFinished(() => sandbox.close());
  for (const id of ['ana', 'bo', 'cy']) sandbox.world.importAccount(id);
  const { sdkAppId, secretKey, admin: adminId } = SANDBOX_APP;
  const client = createTencentClient({ sdkAppId, secretKey, adminId, baseUrl, clock, timeoutMs: 5000 });
  onTestFinished(() => client.close());

  /** A replica's memory, and what it does with hints. */
  async function openReplica(redisUrl: string | null = null, options: Partial<HintsOptions> = {}) {
    const redis = redisUrl === null ? null : createRedisClient([new URL(redisUrl)]);
    const link = redis && createRedisLink({ redis, clock, timeoutMs: 5000, onChange() {} });
    onTestFinished(() => link?.close());
    if (redis) await connectRedis(redis);
    const shared = link && { link, prefix: 'hints-test' };
    const memory = createFollowMemory({
      follow: createFollowService(client, { onBehalfOf: adminId }),
      profiles: createProfileService(client, { customFields: [], clock }),
      clock,
      memoryBytes: 1e7,
      lifetimes: { page: LIFETIMES, counts: LIFETIMES, profile: LIFETIMES, relation: LIFETIMES },
      redis: shared,
    });
    const log = createLog({ link, key: 'hints-test:log', most: 1000, clock });
    onTestFinished(() => log.close());
    await log.ready();
    const bugs: unknown[] = [];
    const hints = createHints({ memory, log, clock, redis: shared, onBug: (error) => bugs.push(error), ...options });
    onTestFinished(() => {
      hints.close();
      expect(bugs).toEqual([]);
    });
    const call = { signal: new AbortController().signal, deadlineAt: clock.now() + HOUR_MS };
    return {
      take: hints.take,
      close: hints.close,
      facts: () => log.recent().map(({ value }) => value),
      relation: async (from: string, to: string) =>
        (await memory.readRelations(from, [to], call)).get(to) as FollowRelation,
      fans: async (userId: string) => (await memory.readCounts([userId], call)).get(userId),
      nick: async (userId: string) => {
        const profile = (await memory.readProfiles([userId], call)).get(userId);
        return profile && !(profile instanceof Error) ? profile.nick : profile;
      },
    };
  }
  return { clock, ...sandbox, openReplica, checks: () => sandbox.calls.count('follow_check') };
}

const NOW_SECONDS = Date.UTC(2026, 0, 1) / 1000;
let moment = 0;
const hint = (type: 'followed' | 'unfollowed', from: string, ...to: string[]): Hint => {
  const at = Date.UTC(2026, 0, 1) + ++moment;
  return { type, from, to, at, eventTime: at };
};
const profileHint = (userId: string): Hint => {
  const at = Date.UTC(2026, 0, 1) + ++moment;
  return { type: 'profile-changed', userId, at, eventTime: at };
};

test('a follow that is so becomes a fact, with its time and whether the two are mutuals now', async () => {
  const { world, openReplica, checks } = await openWorld();
  const { take, facts } = await openReplica();
  world.follow('ana', 'bo');
  world.follow('ana', 'cy');
  world.follow('cy', 'ana');
  const told = hint('followed', 'ana', 'bo', 'cy');
  expect(take(told)).toBe('taken');
  await expect.poll(facts).toEqual([
    { type: 'followed', from: 'ana', to: 'bo', at: told.at, mutual: false },
    { type: 'followed', from: 'ana', to: 'cy', at: told.at, mutual: true },
  ]);
  expect(checks()).toBe(1);
});

test('an unfollow that is so becomes a fact, with whether the two were mutuals', async () => {
  const { world, openReplica } = await openWorld();
  const { take, facts, relation } = await openReplica();
  world.follow('ana', 'bo');
  world.follow('ana', 'cy');
  world.follow('cy', 'ana');
  expect([await relation('ana', 'bo'), await relation('ana', 'cy')]).toEqual(['FOLLOWING', 'MUTUAL']);
  world.unfollow('ana', 'bo');
  world.unfollow('ana', 'cy');
  const told = hint('unfollowed', 'ana', 'bo', 'cy');
  take(told);
  await expect.poll(facts).toEqual([
    { type: 'unfollowed', from: 'ana', to: 'bo', at: told.at, mutual: false },
    { type: 'unfollowed', from: 'ana', to: 'cy', at: told.at, mutual: true },
  ]);
});

test('what was remembered is read anew', async () => {
  const { world, openReplica } = await openWorld();
  const { take, facts, relation, fans } = await openReplica();
  expect([await relation('ana', 'bo'), await fans('bo')]).toEqual(['NONE', { fans: 0, follows: 0, mutuals: 0 }]);
  world.follow('ana', 'bo');
  expect([await relation('ana', 'bo'), await fans('bo')]).toEqual(['NONE', { fans: 0, follows: 0, mutuals: 0 }]);
  take(hint('followed', 'ana', 'bo'));
  expect([await relation('ana', 'bo'), await fans('bo')]).toEqual(['FOLLOWING', { fans: 1, follows: 0, mutuals: 0 }]);
  await expect.poll(facts).toHaveLength(1);
});

test('what the upstream does not say, even when it is asked again, is claimed of nobody', async () => {
  const { clock, world, openReplica, checks } = await openWorld();
  const { take, facts } = await openReplica();
  world.follow('cy', 'ana');
  take(hint('followed', 'ana', 'bo'));
  take(hint('unfollowed', 'cy', 'ana'));
  await expect.poll(checks).toBe(4);
  clock.advance(5000);
  await expect.poll(checks).toBe(6);
  clock.advance(HOUR_MS / 2);
  const proven = hint('followed', 'cy', 'ana');
  take(proven);
  await expect.poll(facts).toEqual([{ type: 'followed', from: 'cy', to: 'ana', at: proven.at, mutual: false }]);
  expect(checks()).toBe(7);
});

test('what the upstream says seconds later becomes a fact then, and what was read meanwhile is forgotten', async () => {
  const { clock, world, faults, openReplica, checks } = await openWorld();
  const { take, facts, fans } = await openReplica();
  faults.set({ listsLag: { ms: 4000 }, countsLag: { ms: 4000 } });
  world.follow('ana', 'bo');
  take(hint('followed', 'ana', 'bo'));
  await expect.poll(checks).toBe(2);
  expect(await fans('bo')).toMatchObject({ fans: 0 });
  expect(facts()).toEqual([]);
  clock.advance(5000);
  await expect.poll(facts).toHaveLength(1);
  expect(await fans('bo')).toMatchObject({ fans: 1 });
});

test('an upstream that is down is asked again, and the fact comes later', async () => {
  const { clock, world, faults, openReplica, checks } = await openWorld();
  const { take, facts } = await openReplica();
  world.follow('ana', 'bo');
  faults.set({ error: { code: 60008, commands: ['follow_check'] } });
  take(hint('followed', 'ana', 'bo'));
  await expect.poll(checks).toBeGreaterThan(0);
  faults.reset();
  await expect
    .poll(() => {
      clock.advance(5000);
      return facts();
    })
    .toHaveLength(1);
});

test('accounts that do not exist cost one look', async () => {
  const { world, openReplica, checks, clock } = await openWorld();
  const { take, facts, nick } = await openReplica();
  take(hint('followed', 'ana', 'nobody'));
  await expect.poll(checks).toBe(1);
  take(profileHint('nobody'));
  await expect.poll(() => nick('nobody')).toMatchObject({ code: 'USER_NOT_FOUND' });
  clock.advance(HOUR_MS / 2);
  world.follow('ana', 'bo', NOW_SECONDS);
  take(hint('followed', 'ana', 'bo'));
  await expect.poll(facts).toHaveLength(1);
  expect(checks()).toBe(2);
});

test('hints that come late and in any order end in what is so', async () => {
  const { clock, world, openReplica } = await openWorld();
  const { take, facts, relation } = await openReplica();
  const [first, second, third] = [
    hint('followed', 'ana', 'bo'),
    hint('unfollowed', 'ana', 'bo'),
    hint('followed', 'ana', 'cy'),
  ];
  world.follow('ana', 'bo');
  expect(await relation('ana', 'bo')).toBe('FOLLOWING');
  world.unfollow('ana', 'bo');
  world.follow('ana', 'cy');
  take(third);
  take(second);
  await expect.poll(facts).toHaveLength(2);
  take(first);
  expect(await relation('ana', 'bo')).toBe('NONE');
  clock.advance(HOUR_MS / 2);
  expect(await relation('ana', 'bo')).toBe('NONE');
  expect(facts()).toEqual(
    expect.arrayContaining([
      { type: 'followed', from: 'ana', to: 'cy', at: third?.at, mutual: false },
      { type: 'unfollowed', from: 'ana', to: 'bo', at: second?.at, mutual: false },
    ]),
  );
});

test('a hint that comes again within ten minutes changes nothing, in whichever order it names its targets', async () => {
  const { clock, world, openReplica, checks } = await openWorld();
  const { take, facts } = await openReplica();
  world.follow('ana', 'bo');
  world.follow('ana', 'cy');
  const told = hint('followed', 'ana', 'bo', 'cy');
  expect(take(told)).toBe('taken');
  expect(take(told)).toBe('duplicate');
  expect(take({ ...told, to: ['cy', 'bo'] } as Hint)).toBe('duplicate');
  await expect.poll(facts).toHaveLength(2);
  clock.advance(599_000);
  expect(take(told)).toBe('duplicate');
  expect(take({ ...told, to: ['bo'] } as Hint)).toBe('taken');
  await expect.poll(facts).toHaveLength(3);
  expect(checks()).toBe(2);
});

test.each([
  ['with Redis', true],
  ['without', false],
])('a hint that could not be acted on is no duplicate when it comes again: %s', async (_title, isShared) => {
  const redis = isShared ? await startRedis() : null;
  onTestFinished(() => redis?.close());
  const { world, openReplica } = await openWorld(isShared ? createRunningClock() : createHastyClock());
  const bugs: unknown[] = [];
  const later = () => {
    if (bugs.length === 0) throw new Error('fails once');
  };
  const { take, facts } = await openReplica(redis?.url ?? null, {
    settling: { later },
    onBug: (error) => bugs.push(error),
  });
  world.follow('ana', 'bo', NOW_SECONDS);
  const told = hint('followed', 'ana', 'bo');
  expect(take(told)).toBe('taken');
  await expect.poll(() => bugs.length).toBe(1);
  expect(take(told)).toBe('taken');
  await expect.poll(() => facts().length).toBe(1);
  expect(take(told)).toBe('duplicate');
});

test('without a time of its own no hint passes for a duplicate', async () => {
  const { clock, world, openReplica } = await openWorld();
  const { take, facts } = await openReplica();
  world.follow('ana', 'bo');
  const told: Hint = { type: 'followed', from: 'ana', to: ['bo'], at: clock.now(), eventTime: null };
  expect([take(told), take(told)]).toEqual(['taken', 'taken']);
  await expect.poll(facts).toHaveLength(2);
});

test('a hint that comes to two replicas is looked into by one, and heard by both', async () => {
  const { url } = await startRedis();
  const { world, openReplica, checks } = await openWorld(createRunningClock());
  const [a, b] = [await openReplica(url), await openReplica(url)];
  world.follow('ana', 'bo', NOW_SECONDS);
  world.follow('ana', 'cy', NOW_SECONDS);
  const told = hint('followed', 'ana', 'bo');
  expect([a.take(told), b.take(told)]).toEqual(['taken', 'taken']);
  await expect.poll(a.facts).toHaveLength(1);
  // Told later, it is heard later: so the first one was heard once.
  b.take(hint('followed', 'ana', 'cy'));
  await expect.poll(b.facts).toMatchObject([{ to: 'bo' }, { to: 'cy' }]);
  await expect.poll(a.facts).toMatchObject([{ to: 'bo' }, { to: 'cy' }]);
  expect(checks()).toBe(2);
});

test('with Redis away, a replica looks into what it is told itself', async () => {
  const redis = await startRedis();
  const { world, openReplica } = await openWorld(createRunningClock());
  const a = await openReplica(redis.url);
  await redis.kill();
  world.follow('ana', 'bo', NOW_SECONDS);
  const told = hint('followed', 'ana', 'bo');
  expect([a.take(told), a.take(told)]).toEqual(['taken', 'duplicate']);
  await expect.poll(a.facts, { timeout: 20_000 }).toHaveLength(1);
});

test('what this gateway has done itself is forgotten once more, and not told again', async () => {
  const { world, openReplica, checks } = await openWorld();
  const explains: HintsOptions['explains'] = (type, from, to) => `${type} ${from} ${to}` === 'followed ana bo';
  const { take, facts, relation } = await openReplica(null, { explains });
  expect(await relation('ana', 'bo')).toBe('NONE');
  world.follow('ana', 'bo');
  world.follow('ana', 'cy');
  expect(take(hint('followed', 'ana', 'bo'))).toBe('own');
  expect(await relation('ana', 'bo')).toBe('FOLLOWING');
  expect(take(hint('followed', 'ana', 'bo', 'cy'))).toBe('taken');
  await expect.poll(facts).toMatchObject([{ to: 'cy' }]);
  expect(checks()).toBe(3);
});

test('an own change that is known only after its webhook is told once', async () => {
  const { world, openReplica, checks } = await openWorld();
  let isKnown = false;
  const { take, facts } = await openReplica(null, { explains: (_type, _from, to) => isKnown && to === 'bo' });
  world.follow('ana', 'bo');
  world.follow('ana', 'cy');
  expect(take(hint('followed', 'ana', 'bo', 'cy'))).toBe('taken');
  isKnown = true;
  await expect.poll(facts).toMatchObject([{ to: 'cy' }]);
  expect(checks()).toBe(1);
});

test('when too many hints are looked into, one more is only acted on', async () => {
  const { world, openReplica, checks } = await openWorld();
  const { take, facts, relation } = await openReplica(null, { mostAtWork: 1 });
  expect(await relation('ana', 'cy')).toBe('NONE');
  world.follow('ana', 'bo');
  world.follow('ana', 'cy');
  expect([take(hint('followed', 'ana', 'bo')), take(hint('followed', 'ana', 'cy'))]).toEqual(['taken', 'crowded']);
  expect(await relation('ana', 'cy')).toBe('FOLLOWING');
  await expect.poll(facts).toMatchObject([{ to: 'bo' }]);
  expect(take(hint('followed', 'ana', 'cy'))).toBe('taken');
  await expect.poll(facts).toMatchObject([{ to: 'bo' }, { to: 'cy' }]);
  expect(checks()).toBeLessThanOrEqual(4);
});

test('a profile that changed is read before anybody is told', async () => {
  const { calls, world, openReplica } = await openWorld();
  const { take, facts, nick } = await openReplica();
  expect(await nick('ana')).toBeNull();
  world.setProfile('ana', { Tag_Profile_IM_Nick: 'Ana' });
  expect(await nick('ana')).toBeNull();
  const told = profileHint('ana');
  expect([take(told), take(told)]).toEqual(['taken', 'duplicate']);
  await expect.poll(facts).toEqual([{ type: 'profile-changed', userId: 'ana', at: told.at }]);
  expect(calls.count('portrait_get')).toBe(2);
  expect(await nick('ana')).toBe('Ana');
  expect(calls.count('portrait_get')).toBe(2);
});

test('what waits to be asked again is left when the gateway closes', async () => {
  const { clock, world, openReplica, checks } = await openWorld();
  const { take, close, facts } = await openReplica();
  take(hint('followed', 'ana', 'bo'));
  await expect.poll(checks).toBe(2);
  close();
  world.follow('ana', 'bo');
  clock.advance(HOUR_MS / 2);
  const other = await openReplica();
  other.take(hint('followed', 'ana', 'bo'));
  await expect.poll(other.facts).toHaveLength(1);
  expect([facts(), checks()]).toEqual([[], 3]);
});
