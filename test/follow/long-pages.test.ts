// Pages of 1,000 are cached in steps, so that no other request waits for one; profiles invalidated meanwhile stay out.
import { describe, expect, test } from 'vitest';
import { createCachedFollowService } from '../../src/follow/cached-follow-service.ts';
import type { FollowPage, Profile } from '../../src/follow/model.ts';
import type { CallOptions, FollowService, ProfileService } from '../../src/follow/services.ts';
import { cacheOptions } from '../support/cache-options.ts';
import { createRunningClock } from '../support/clock.ts';
import { type Answer, openGateway } from '../support/gateway.ts';
import { SHARED_STORAGES, useStorage } from '../support/storage.ts';
import { UNSET_PROFILE } from '../support/unset-profile.ts';

const MEMBERS = 1000;
const LIFETIMES = { freshMs: 60_000, webhookFreshMs: 60_000, staleMs: 60_000 };

const turn = () => new Promise((resolve) => setImmediate(resolve));
const memberId = (n: number) => `member_${n}`;
const named = (nick: string): Profile => ({
  ...UNSET_PROFILE,
  nick,
  customFields: [],
  items: [],
  version: null,
  whole: true,
});

/** An upstream whose page of 1,000 shows old names, and that says new ones to a read of profiles; `asked` are those. */
function createSource() {
  const asked: string[] = [];
  const unused = () => Promise.reject(new Error('not asked for'));
  const page: FollowPage = {
    entries: Array.from({ length: MEMBERS }, (_, n) => ({
      user: { id: memberId(n), profile: named('old') },
      followedAt: n,
    })),
    next: '',
  };
  const source: FollowService & ProfileService = {
    readPage: async () => page,
    readProfiles: async (ids) => {
      asked.push(...ids);
      return new Map(ids.map((id) => [id, named('new')]));
    },
    readCounts: unused,
    readRelations: unused,
    refusedTags: () => [],
    asAsked: (profile) => profile,
    follow: unused,
    unfollow: unused,
    removeFans: unused,
  };
  return { source, asked };
}

describe('the profiles of a page of 1,000', () => {
  async function readPage() {
    const clock = createRunningClock();
    const { source, asked } = createSource();
    const service = createCachedFollowService({
      follow: source,
      profiles: source,
      clock,
      memoryBytes: 100_000_000,
      ...cacheOptions(LIFETIMES),
      redis: null,
    });
    const call: CallOptions = { signal: new AbortController().signal, deadlineAt: clock.now() + 60_000 };
    await service.readPage({ userId: 'star', list: 'fans', start: '', size: MEMBERS }, call);
    const nickOf = async (n: number) => {
      const profile = await service.readProfile(memberId(n), call);
      return profile.nick;
    };
    return { service, asked, nickOf };
  }

  test('are all cached, without a call for any', async () => {
    const { service, asked, nickOf } = await readPage();
    for (let bytes = -1; bytes !== service.bytes().profile; await turn()) bytes = service.bytes().profile;
    expect(await Promise.all(Array.from({ length: MEMBERS }, (_, n) => nickOf(n)))).toEqual(Array(MEMBERS).fill('old'));
    expect(asked).toEqual([]);
  });

  test('do not bring back one that is invalidated while they are being cached', async () => {
    const { service, asked, nickOf } = await readPage();
    await turn();
    const [first, last] = [0, MEMBERS - 1];
    for (const n of [first, last]) await service.invalidate({ type: 'profile-changed', userId: memberId(n) });
    for (let bytes = -1; bytes !== service.bytes().profile; await turn()) bytes = service.bytes().profile;
    expect([await nickOf(first), await nickOf(500), await nickOf(last)]).toEqual(['new', 'old', 'new']);
    expect(asked).toEqual([memberId(first), memberId(last)]);
  });
});

describe.each(SHARED_STORAGES)('on %s', (storage) => {
  const settings = useStorage(storage);

  test('a page of 1,000 that one replica read is answered whole by another, out of Redis', async () => {
    const { sdkAppId, env } = settings();
    const gateway = await openGateway({
      env: { ...env, MAX_PAGE_SIZE: '1000', REDIS_TIMEOUT_MS: '9000' },
      sandbox: { emptyWorld: true, sdkAppId },
    });
    gateway.sandbox.world.addFans('star', MEMBERS);
    const query = `{ user(id: "star") { fans(first: ${MEMBERS}) { nodes { id nick avatar } } } }`;
    const { user } = await gateway.data<{ user: { fans: { nodes: { id: string }[] } } }>(query);
    expect(new Set(user.fans.nodes.map(({ id }) => id)).size).toBe(MEMBERS);

    gateway.sandbox.faults.set({ featureOff: true, error: { code: 60026 } });
    let answer: Answer;
    // Redis has the page some time after the answer; each replica that asks knows nothing by itself.
    do answer = await (await gateway.openReplica()).query(query);
    while (answer.errors);
    expect(answer.data).toEqual({ user });
  });
});
