// Pages of 1,000 are cached in steps, so that no other request waits for one; profiles invalidated meanwhile stay out.
import { describe, expect, test } from 'vitest';
import { createRunningClock } from '../support/clock.ts';
import { type Answer, openGateway } from '../support/gateway.ts';
import { SHARED_STORAGES, useStorage } from '../support/storage.ts';
import { callAt, createService, named, type Source } from './service.ts';

const MEMBERS = 1000;

const turn = () => new Promise((resolve) => setImmediate(resolve));
const memberId = (n: number) => `member_${n}`;

test('the profiles of a page of 1,000 are all cached without a call, but those that are invalidated meanwhile', async () => {
  const clock = createRunningClock();
  const asked: string[] = [];
  const entries = Array.from({ length: MEMBERS }, (_, n) => ({
    user: { id: memberId(n), profile: named('old') },
    followedAt: n,
  }));
  const readProfiles: Source['readProfiles'] = async (ids) => {
    asked.push(...ids);
    return new Map(ids.map((id) => [id, named('new')]));
  };
  const lifetimes = { freshMs: 60_000, webhookFreshMs: 60_000, staleMs: 60_000 };
  const service = createService({ readPage: async () => ({ entries, next: '' }), readProfiles }, { clock, lifetimes });
  const call = callAt(clock);
  await service.readPage({ userId: 'star', list: 'fans', start: '', size: MEMBERS }, call);
  await turn();
  const [first, last] = [0, MEMBERS - 1];
  for (const n of [first, last]) await service.invalidate([{ type: 'profile-changed', userId: memberId(n) }]);
  // Until nothing more is cached.
  for (let bytes = -1; bytes !== service.bytes().profile; await turn()) bytes = service.bytes().profile;
  const nicks = await Promise.all(entries.map(async ({ user }) => (await service.readProfile(user.id, call)).nick));
  expect(nicks).toEqual(['new', ...Array(MEMBERS - 2).fill('old'), 'new']);
  expect(asked).toEqual([memberId(first), memberId(last)]);
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
