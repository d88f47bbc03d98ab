// Which answers are kept and given again: those to nobody in particular, of trusted documents, as they were asked for.
import { describe, expect, test } from 'vitest';
import { hashOf } from '../documents/asking.ts';
import { requestLines } from '../http/requests.ts';
import { only, scrape } from '../metrics/scrape.ts';
import { openHouse } from '../support/house.ts';
import {
  ask,
  askUntilKept,
  FANS,
  isKept,
  KEEPING,
  type KeepingOptions,
  PEOPLE,
  trustedText,
  userIn,
} from './keeping.ts';
import { FANS_OF_STAR, openStar, STAR } from './star.ts';

const VIEWER = { 'x-viewer-id': 'anna' };

describe('an answer to nobody in particular', () => {
  test('is kept once all that it was made from is in memory, and given again byte by byte', async () => {
    const house = await openStar();
    expect(await isKept(house, FANS_OF_STAR)).toBe(false);
    const first = await askUntilKept(house, FANS_OF_STAR);
    const calls = house.sandbox.calls.count();
    expect(await isKept(house, FANS_OF_STAR)).toBe(true);
    expect((await askUntilKept(house, FANS_OF_STAR)).text).toBe(first.text);
    expect(house.sandbox.calls.count()).toBe(calls);
  });

  test('is the one that is made anew each time where none is kept', async () => {
    const [keeping, other] = [await openStar(), await openStar({ env: { ANSWER_CACHE_MB: '0' } })];
    const kept = await askUntilKept(keeping, FANS_OF_STAR);
    const made = await askUntilKept(other, FANS_OF_STAR);
    expect([await isKept(keeping, FANS_OF_STAR), await isKept(other, FANS_OF_STAR)]).toEqual([true, false]);
    expect(kept.text).toBe(made.text);
  });

  test('is the same one by each name of its document', async () => {
    const house = await openStar();
    const { text } = await askUntilKept(house, FANS_OF_STAR);
    const sha256Hash = hashOf(FANS);
    for (const named of [
      { documentId: sha256Hash },
      { doc_id: sha256Hash },
      { extensions: { persistedQuery: { version: 1, sha256Hash } } },
      { query: FANS, operationName: 'FansScreen' },
    ]) {
      expect((await askUntilKept(house, { ...named, variables: STAR })).text).toBe(text);
      expect(await isKept(house, { ...named, variables: STAR })).toBe(true);
    }
  });

  test('is told in the log and in the metrics like any other', async () => {
    const house = await openStar({ env: { METRICS_PORT: '0' } });
    for (let times = 0; times < 5; times++) await ask(house, FANS_OF_STAR);
    const samples = await scrape(house);
    expect(only(samples, 'queries_total')).toEqual({ '{type="query",operation="FansScreen",code="OK"}': 5 });
    expect(samples['documents_total{outcome="trusted"}']).toBe(5);
    const lines = await requestLines(house, 5);
    expect(lines.map(({ operationName }) => operationName)).toEqual(Array(5).fill('FansScreen'));
    expect(lines.at(-1)).toMatchObject({ upstreamCalls: 0, errorCodes: [] });
  });

  test('reads as many things from memory as one that is made anew', async () => {
    const reads = async (env: Record<string, string>) => {
      const house = await openStar({ env: { METRICS_PORT: '0', ...env } });
      await askUntilKept(house, FANS_OF_STAR);
      const before = only(await scrape(house), 'cache_reads_total');
      await ask(house, FANS_OF_STAR);
      const after = only(await scrape(house), 'cache_reads_total');
      return Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]));
    };
    expect(await reads({})).toEqual(await reads({ ANSWER_CACHE_MB: '0' }));
  });
});

test.each<[string, KeepingOptions['env']]>([
  ['ANSWER_CACHE_MB=0', { ANSWER_CACHE_MB: '0' }],
  ['HOT_PATH=off', { HOT_PATH: 'off' }],
  ['TRUSTED_DOCUMENTS=off', { TRUSTED_DOCUMENTS: 'off' }],
])('with %s nothing is kept', async (_title, env) => {
  const house = await openStar({ env });
  await askUntilKept(house, FANS_OF_STAR);
  expect(await isKept(house, FANS_OF_STAR)).toBe(false);
});

test('in strict mode trusted documents are answered from what is kept, and others are refused as ever', async () => {
  const house = await openStar({ env: { TRUSTED_DOCUMENTS: 'strict' } });
  await askUntilKept(house, FANS_OF_STAR);
  expect(await isKept(house, FANS_OF_STAR)).toBe(true);
  const { answer } = await askUntilKept(house, { query: `${FANS} `, variables: STAR });
  expect(answer.errors?.[0]?.extensions.code).toBe('DOCUMENT_NOT_TRUSTED');
});

test.each([
  ['in another layout', `${FANS} `],
  ['of the same name', 'query FansScreen { user(id: "star") { fans { nodes { id } } } }'],
  ['with the hash of its own', '{ user(id: "star") { fans { nodes { id } } } }'],
])('no answer to an untrusted document %s is kept', async (_title, query) => {
  const house = await openStar({
    env: { AUTOMATIC_PERSISTED_QUERIES: 'on', PUBLIC_OPERATIONS: 'FansScreen' },
  });
  const body = { query, extensions: { persistedQuery: { version: 1, sha256Hash: hashOf(query) } }, variables: STAR };
  for (const headers of [{}, VIEWER]) {
    await askUntilKept(house, body, headers);
    expect(await isKept(house, body, headers)).toBe(false);
  }
});

describe('to a viewer', () => {
  test('no answer is given that was kept for nobody in particular, nor the other way round', async () => {
    const house = await openStar();
    await askUntilKept(house, FANS_OF_STAR);
    expect(await isKept(house, FANS_OF_STAR, VIEWER)).toBe(false);
    await askUntilKept(house, FANS_OF_STAR, VIEWER);
    expect(await isKept(house, FANS_OF_STAR, VIEWER)).toBe(false);
  });

  test('one is given that was kept of an operation that is marked as public', async () => {
    const house = await openStar({ env: { PUBLIC_OPERATIONS: 'FansScreen' } });
    const { text } = await askUntilKept(house, FANS_OF_STAR);
    expect(await isKept(house, FANS_OF_STAR, VIEWER)).toBe(true);
    expect((await askUntilKept(house, FANS_OF_STAR, VIEWER)).text).toBe(text);
    expect(await isKept(house, FANS_OF_STAR, { 'x-viewer-id': 'star' })).toBe(true);
  });

  test('none is given of an operation that depends on who asks, although it is marked as public', async () => {
    const query = trustedText('09');
    const house = await openStar({ env: { PUBLIC_OPERATIONS: 'FansWithRelations' } });
    house.sandbox.world.importAccount('bert');
    house.sandbox.world.follow('anna', 'star');
    const seen = async (headers: Record<string, string>) => {
      const asked = await askUntilKept(house, { query, variables: STAR }, headers);
      return userIn<{ viewerIsFollowing: boolean | null }>(asked).viewerIsFollowing;
    };
    for (let times = 0; times < 2; times++) {
      expect(await seen(VIEWER)).toBe(true);
      expect(await seen({ 'x-viewer-id': 'bert' })).toBe(false);
      expect(await seen({})).toBeNull();
    }
    expect(await isKept(house, { query, variables: STAR })).toBe(false);
  });

  test('more is told of a public operation than to nobody in particular, where the viewer may see more', async () => {
    const house = await openHouse({
      env: { ...KEEPING, PUBLIC_OPERATIONS: 'FansScreen', LIST_VISIBILITY: 'self' },
      sandbox: { emptyWorld: true },
    });
    house.sandbox.world.addFans('star', 3);
    const refused = ['FORBIDDEN'];
    for (let times = 0; times < 4; times++) {
      for (const [who, codes] of [
        [{}, refused],
        [{ 'x-viewer-id': 'star' }, undefined],
        [VIEWER, refused],
      ] as const) {
        const { answer } = await ask(house, FANS_OF_STAR, who);
        expect(answer.errors?.map(({ extensions }) => extensions.code)).toEqual(codes);
        expect(answer.data).toMatchObject({ user: { fans: codes ? null : { totalCount: 3 } } });
      }
    }
  });

  // What fails for nobody in particular is tried once more for the viewer, who would be told no more.
  test('a failure of the upstream costs no more calls because the operation is public', async () => {
    const calls = async (env: Record<string, string>) => {
      const house = await openStar({ env });
      // The short way knows by now how this client is answered.
      await askUntilKept(house, { query: PEOPLE, variables: { userIds: ['star'] } }, VIEWER);
      house.sandbox.calls.reset();
      house.sandbox.faults.set({ error: { code: 30004 } });
      await ask(house, FANS_OF_STAR, VIEWER);
      return house.sandbox.calls.summary();
    };
    expect(await calls({ PUBLIC_OPERATIONS: 'FansScreen' })).toEqual(await calls({}));
  });

  test('nothing is told where the credentials are wrong, although the operation is public', async () => {
    const house = await openStar({ env: { PUBLIC_OPERATIONS: 'FansScreen', AUTH: 'usersig' } });
    await askUntilKept(house, FANS_OF_STAR);
    const { status, answer } = await ask(house, FANS_OF_STAR, { authorization: 'UserSig anna:nonsense' });
    expect(status).toBe(401);
    expect(answer.data).toBeUndefined();
  });
});
