// What HTTP caches may do with answers to GET, and when nothing has changed.
import { describe, expect, test } from 'vitest';
import { createHastyClock } from '../support/clock.ts';
import { openGateway } from '../support/gateway.ts';
import { openWithWebhooks } from '../webhook/webhook-gateway.ts';
import { getJson, hashOf, postJson } from './asking.ts';

const FANS = '{ user(id: "star") { fans { nodes { id } } } }';
const COUNT = '{ user(id: "star") { fansCount } }';
const NICK = '{ user(id: "star") { nick } }';
const IDS = '{ user(id: "star") { id } }';
const BOTH = '{ user(id: "star") { fansCount fans { nodes { id } } } }';
const TRAILING_SECONDS = /max-age=(\d+)$/;

async function openCalm(env: Record<string, string> = {}) {
  const clock = createHastyClock();
  const gateway = await openGateway({
    clock,
    env: { AUTH: 'development', ...env },
    sandbox: { emptyWorld: true, clock },
  });
  gateway.sandbox.world.addFans('star', 3);
  const ask = (query: string, headers: Record<string, string> = {}) => getJson(gateway, { query }, headers);
  const cacheControl = async (query: string, headers: Record<string, string> = {}) =>
    (await ask(query, headers)).headers.get('cache-control') ?? '';
  /** The seconds for which an anonymous answer may be kept by everybody. */
  async function publicSeconds(query: string): Promise<number> {
    const value = await cacheControl(query);
    expect(value).toMatch(/^public, max-age=\d+$/);
    return Number(TRAILING_SECONDS.exec(value)?.[1]);
  }
  return { gateway, clock, ask, cacheControl, publicSeconds };
}

/** Fresh times end up to a tenth earlier. */
function expectAbout(seconds: number, max: number, since = 0): void {
  expect(seconds).toBeLessThanOrEqual(max - since);
  expect(seconds).toBeGreaterThanOrEqual(Math.floor(max * 0.9) - since);
}

describe('an anonymous answer', () => {
  test('may be kept by any cache for as long as everything in it is fresh', async () => {
    const { publicSeconds } = await openCalm();
    expectAbout(await publicSeconds(FANS), 30);
    expectAbout(await publicSeconds(COUNT), 30);
    expectAbout(await publicSeconds(NICK), 3600);
  });

  test('may be kept only as long as the part that ends first', async () => {
    const { publicSeconds, clock } = await openCalm();
    await publicSeconds(FANS);
    clock.advance(20_000);
    expectAbout(await publicSeconds(BOTH), 30, 20);
    expectAbout(await publicSeconds('{ user(id: "star") { nick fans { nodes { id } } } }'), 30, 20);
  });

  test('may be kept for a minute when nothing was read for it', async () => {
    const { publicSeconds } = await openCalm();
    expect(await publicSeconds(IDS)).toBe(60);
    expect(await publicSeconds('{ __typename }')).toBe(60);
  });

  test('is asked for every time when its fresh time is over within the second, or there is none', async () => {
    for (const LIST_FRESH_SECONDS of ['1', '0']) {
      const { cacheControl } = await openCalm({ LIST_FRESH_SECONDS });
      expect(await cacheControl(FANS)).toBe('public, no-cache');
      expect(await cacheControl(COUNT)).toBe('public, no-cache');
    }
  });

  test('is kept by no cache when it says that there is no such account', async () => {
    const { cacheControl, ask } = await openCalm();
    const query = '{ user(id: "ghost") { id nick } }';
    expect(await cacheControl(query)).toBe('private, no-store');
    const response = await ask(query);
    expect(await response.json()).toMatchObject({ data: { user: null }, errors: [{ path: ['user'] }] });
    expect(response.headers.get('cache-control')).toBe('private, no-store');
  });

  test('is for no shared cache, and asked for every time, where somebody who is logged in would see something else', async () => {
    const { cacheControl } = await openCalm();
    // The second answer is one that was kept.
    for (const query of [
      '{ viewer { id } }',
      '{ user(id: "star") { ...F } } fragment F on User { viewerIsFollowing }',
      '{ user(id: "star") { isFollowingViewer } }',
      '{ user(id: "star") { viewerCanFollow } }',
      '{ user(id: "star") { knownFans { count } } }',
      '{ user(id: "star") { other: relationTo(userId: "anna") } }',
      '{ user(id: "star") { viewerHasBlocked presence { status } } }',
    ])
      for (let times = 0; times < 2; times++) expect(await cacheControl(query)).toBe('private, no-cache');
  });
});

test('while changes are told, a cache that is told of none keeps an answer no longer than otherwise', async () => {
  const clock = createHastyClock();
  const gateway = await openWithWebhooks({ clock });
  const { world, act, webhooks } = gateway.sandbox;
  for (const id of ['star', 'dan', 'eve']) world.importAccount(id);
  act.follow('dan', 'eve');
  await webhooks.settled();
  const seconds = async () => {
    const { headers } = await getJson(gateway, { query: FANS });
    return Number(TRAILING_SECONDS.exec(headers.get('cache-control') ?? '')?.[1]);
  };
  expect(await seconds()).toBe(30);
  clock.advance(300_000);
  expect(await seconds()).toBe(30);
});

describe('an answer to a viewer', () => {
  test('is theirs alone, and asked for again each time, since they may have changed something', async () => {
    const { cacheControl, gateway } = await openCalm();
    gateway.sandbox.world.importAccount('anna');
    const viewer = { 'x-viewer-id': 'anna' };
    for (const query of [FANS, NICK, IDS, '{ viewer { id followsCount } }'])
      expect(await cacheControl(query, viewer)).toBe('private, no-cache');
  });

  test('is another one as soon as they follow somebody', async () => {
    const { ask, gateway } = await openCalm();
    gateway.sandbox.world.importAccount('anna');
    const viewer = { 'x-viewer-id': 'anna' };
    const query = '{ user(id: "star") { viewerIsFollowing } }';
    const first = await ask(query, viewer);
    const tag = first.headers.get('etag') ?? '';
    expect((await ask(query, { ...viewer, 'if-none-match': tag })).status).toBe(304);
    await gateway.as('anna').data('mutation { followUsers(input: { userIds: ["star"] }) { viewer { id } } }');
    const second = await ask(query, { ...viewer, 'if-none-match': tag });
    expect(second.status).toBe(200);
    expect(await second.json()).toEqual({ data: { user: { viewerIsFollowing: true } } });
  });
});

describe('no cache keeps', () => {
  test('an answer with an error', async () => {
    const { ask } = await openCalm();
    const { headers } = await ask('{ user(id: "star") { id fans(first: -1) { totalCount } } }');
    expect([headers.get('cache-control'), headers.get('etag')]).toEqual(['private, no-store', null]);
  });

  test('an answer with something stale in it', async () => {
    const { cacheControl, clock } = await openCalm();
    await cacheControl(FANS);
    clock.advance(60_000);
    expect(await cacheControl(FANS)).toBe('private, no-store');
  });

  test.each([
    ['a mutation, which GET refuses', 'mutation { followUsers(input: { userIds: ["star"] }) { viewer { id } } }', 405],
    ['a text that cannot be parsed', '{', 400],
    ['a query that does not fit the schema', '{ peoples }', 400],
    ['a query that is missing', '', 400],
  ])('the refusal of %s', async (_title, query, status) => {
    const { ask } = await openCalm();
    const response = await ask(query, { accept: 'application/graphql-response+json' });
    expect([response.status, response.headers.get('cache-control')]).toEqual([status, 'private, no-store']);
  });

  test('an answer in parts', async () => {
    const accept = 'text/event-stream';
    const { ask } = await openCalm();
    const response = await ask(FANS, { accept });
    expect(response.headers.get('content-type')).toContain(accept);
    expect([response.headers.get('cache-control'), response.headers.get('etag')]).toEqual(['private, no-store', null]);
    expect(await response.text()).toContain('nodes');
  });

  test('the answer to an unknown hash, which may be known in a moment', async () => {
    const { gateway } = await openCalm({ AUTOMATIC_PERSISTED_QUERIES: 'on' });
    const response = await getJson(gateway, { documentId: hashOf(FANS) });
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'private, no-store']);
  });
});

describe('the tag of an answer', () => {
  test('is the same for the same bytes, and a request that names it is answered without them', async () => {
    const { ask } = await openCalm();
    const first = await ask(FANS);
    const tag = first.headers.get('etag') ?? '';
    expect(tag).toMatch(/^"[\w-]{27}"$/);
    expect((await ask(FANS)).headers.get('etag')).toBe(tag);
    for (const named of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const response = await ask(FANS, { 'if-none-match': named });
      expect(response.status).toBe(304);
      expect(await response.text()).toBe('');
      expect(response.headers.get('etag')).toBe(tag);
      expect(response.headers.get('cache-control')).toBe(first.headers.get('cache-control'));
      expect(response.headers.get('vary')).toContain('accept');
    }
  });

  test('is another one for each type of answer, and both are answered with 304', async () => {
    const { ask } = await openCalm();
    const tags = new Set<string>();
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const tag = (await ask(FANS, { accept })).headers.get('etag') ?? '';
      tags.add(tag);
      expect((await ask(FANS, { accept, 'if-none-match': tag })).status).toBe(304);
    }
    expect(tags.size).toBe(2);
  });
});

test('an answer varies with its type and with each header that says who asks', async () => {
  const { ask } = await openCalm();
  const vary = ((await ask(IDS)).headers.get('vary') ?? '').split(', ');
  expect(vary).toEqual(expect.arrayContaining(['accept', 'authorization', 'x-viewer-id']));
});

test('an answer to POST says nothing to caches', async () => {
  const { gateway } = await openCalm();
  const { headers } = await postJson(gateway, { query: FANS });
  expect([headers.get('cache-control'), headers.get('etag')]).toEqual([null, null]);
});
