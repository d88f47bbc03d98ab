// What HTTP caches may do with answers to GET, and when nothing has changed.
import { describe, expect, test } from 'vitest';
import { openWorld } from '../graph/world.ts';
import { createHastyClock } from '../support/clock.ts';
import { openGateway } from '../support/gateway.ts';
import { getJson, hashOf, postJson } from './asking.ts';

const FANS = '{ user(id: "star") { fans { nodes { id } } } }';
const COUNT = '{ user(id: "star") { fansCount } }';
const NICK = '{ user(id: "star") { nick } }';
const IDS = '{ user(id: "star") { id } }';
const VIEWER = { 'x-viewer-id': 'anna' };

async function openCalm(env: Record<string, string> = {}) {
  const clock = createHastyClock();
  const gateway = await openGateway({ env: { AUTH: 'development', ...env }, clock });
  gateway.sandbox.world.addFans('star', 3);
  gateway.sandbox.world.importAccount('anna');
  const ask = (query: string, headers: Record<string, string> = {}) => getJson(gateway, { query }, headers);
  const cacheControl = async (query: string, headers: Record<string, string> = {}) =>
    (await ask(query, headers)).headers.get('cache-control') ?? '';
  /** The seconds for which an anonymous answer may be kept by everybody. */
  const publicSeconds = async (query: string): Promise<number> =>
    Number(/^public, max-age=(\d+)$/.exec(await cacheControl(query))?.[1]);
  return { gateway, clock, ask, cacheControl, publicSeconds };
}

/** Fresh times end up to a tenth earlier. */
function expectAbout(seconds: number, max: number, since = 0): void {
  expect(seconds).toBeLessThanOrEqual(max - since);
  expect(seconds).toBeGreaterThanOrEqual(Math.floor(max * 0.9) - since);
}

describe('an anonymous answer', () => {
  test('may be kept by any cache until the first part of it ends to be fresh, and a minute when nothing was read', async () => {
    const { publicSeconds, clock } = await openCalm();
    for (const query of [FANS, COUNT]) expectAbout(await publicSeconds(query), 30);
    expectAbout(await publicSeconds(NICK), 3600);
    for (const query of [IDS, '{ __typename }']) expect(await publicSeconds(query)).toBe(60);
    clock.advance(20_000);
    for (const part of ['fansCount', 'nick'])
      expectAbout(await publicSeconds(`{ user(id: "star") { ${part} fans { nodes { id } } } }`), 30, 20);
  });

  test('is asked for every time when its fresh time is over within the second, or there is none', async () => {
    for (const LIST_FRESH_SECONDS of ['1', '0']) {
      const { cacheControl } = await openCalm({ LIST_FRESH_SECONDS });
      expect(await cacheControl(FANS)).toBe('public, no-cache');
      expect(await cacheControl(COUNT)).toBe('public, no-cache');
    }
  });

  test('is kept by no cache when it says that there is no such account', async () => {
    const { ask } = await openCalm();
    // The second answer knows it from the first one.
    for (let times = 0; times < 2; times++) {
      const response = await ask('{ user(id: "ghost") { id nick } }');
      expect(await response.json()).toMatchObject({ data: { user: { id: 'ghost', nick: null } } });
      expect(response.headers.get('cache-control')).toBe('private, no-store');
    }
  });

  test('is for no shared cache, and asked for every time, where somebody who is logged in would see something else', async () => {
    const { cacheControl } = await openCalm();
    const fields = ['viewerIsFollowing', 'isFollowingViewer', 'viewerCanFollow', 'knownFans { count }'];
    fields.push('other: relationTo(userId: "anna")', 'viewerHasBlocked presence { status }');
    const ofStar = fields.map((field) => `{ user(id: "star") { ...F } } fragment F on User { ${field} }`);
    // The second answer is one that was kept.
    for (const query of ['{ viewer { id } }', ...ofStar])
      for (let times = 0; times < 2; times++) expect(await cacheControl(query)).toBe('private, no-cache');
  });
});

test('while changes are told, a cache that is told of none keeps an answer no longer than otherwise', async () => {
  const clock = createHastyClock();
  const gateway = await openWorld({ hasWebhooks: true, clock });
  const { world, act, webhooks } = gateway.sandbox;
  for (const id of ['star', 'dan', 'eve']) world.importAccount(id);
  act.follow('dan', 'eve');
  await webhooks.settled();
  for (let times = 0; times < 2; times++) {
    const { headers } = await getJson(gateway, { query: FANS });
    expect(headers.get('cache-control')).toBe('public, max-age=30');
    clock.advance(300_000);
  }
});

test('an answer to a viewer is theirs alone, and asked for again each time, since they may have changed something', async () => {
  const { ask, cacheControl, gateway } = await openCalm();
  for (const query of [FANS, NICK, IDS, '{ viewer { id followsCount } }'])
    expect(await cacheControl(query, VIEWER)).toBe('private, no-cache');
  const query = '{ user(id: "star") { viewerIsFollowing } }';
  const tagged = { ...VIEWER, 'if-none-match': (await ask(query, VIEWER)).headers.get('etag') ?? '' };
  expect((await ask(query, tagged)).status).toBe(304);
  await gateway.as('anna').data('mutation { followUsers(input: { userIds: ["star"] }) { viewer { id } } }');
  expect(await (await ask(query, tagged)).json()).toEqual({ data: { user: { viewerIsFollowing: true } } });
});

describe('no cache keeps', () => {
  const APQ = { AUTOMATIC_PERSISTED_QUERIES: 'on' };
  test.each<[string, status: number, asked: Record<string, unknown>, accept?: string]>([
    ['an answer with an error', 200, { query: '{ user(id: "star") { id fans(first: -1) { totalCount } } }' }],
    ['an answer in parts', 200, { query: FANS }, 'text/event-stream'],
    ['the answer to an unknown hash, which may be known in a moment', 200, { documentId: hashOf(FANS) }],
    ['the refusal of a mutation', 405, { query: 'mutation { __typename }' }],
    ['the refusal of a mutation in parts', 405, { query: 'mutation { __typename }' }, 'text/event-stream'],
    ['the refusal of a text that cannot be parsed', 400, { query: '{' }],
  ])('%s', async (_title, status, asked, accept) => {
    const { gateway } = await openCalm(APQ);
    const json = status === 200 ? 'application/json' : 'application/graphql-response+json';
    const { status: answered, headers } = await getJson(gateway, asked, { accept: accept ?? json });
    expect([answered, headers.get('cache-control'), headers.get('etag')]).toEqual([status, 'private, no-store', null]);
    expect(headers.get('content-type')).toContain(accept ?? json);
  });

  test.each<[string, status: number, query: string, headers: Record<string, string>]>([
    ['that are malformed', 400, 'variables=x', {}],
    ['that accept what there is not', 406, '', { accept: 'text/css' }],
    ['of somebody else', 401, '', { 'x-viewer-id': 'a b' }],
    ['by HEAD', 405, '', {}],
  ])('the refusal of requests %s', async (_title, status, query, headers) => {
    const { gateway } = await openCalm();
    const url = `${gateway.url}/graphql?query={__typename}&${query}`;
    const response = await fetch(url, { headers, method: status === 405 ? 'HEAD' : 'GET' });
    expect([response.status, response.headers.get('cache-control')]).toEqual([status, 'private, no-store']);
  });

  test('an answer with something stale in it', async () => {
    const { cacheControl, clock } = await openCalm();
    await cacheControl(FANS);
    clock.advance(60_000);
    expect(await cacheControl(FANS)).toBe('private, no-store');
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
      const { status, headers, body } = await ask(FANS, { 'if-none-match': named });
      expect([status, body, headers.get('etag')]).toEqual([304, null, tag]);
      for (const name of ['cache-control', 'vary']) expect(headers.get(name)).toBe(first.headers.get(name));
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

test('an answer varies with its type and with each header that says who asks; to POST, caches are told nothing', async () => {
  const { ask, gateway } = await openCalm();
  const vary = ((await ask(IDS)).headers.get('vary') ?? '').split(', ');
  expect(vary).toEqual(expect.arrayContaining(['accept', 'authorization', 'x-viewer-id']));
  const { headers } = await postJson(gateway, { query: FANS });
  expect([headers.get('cache-control'), headers.get('etag')]).toEqual([null, null]);
});
