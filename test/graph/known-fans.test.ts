// "Followed by someone you know": the connection, over HTTP, against what the sandbox's world says.
import { describe, expect, test } from 'vitest';
import { createRandom, HERMIT, personId, STAR } from '../../src/sandbox/seed.ts';
import { createHastyClock } from '../support/clock.ts';
import { openGateway, type TestGateway, type TestGatewayOptions } from '../support/gateway.ts';

type KnownFans = {
  count: number;
  atLeast: boolean;
  edges: { cursor: string; node: { id: string } }[];
  nodes: { id: string }[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
};

const QUERY = `query ($id: ID!, $first: Int, $after: String) {
  user(id: $id) {
    id
    knownFans(first: $first, after: $after) {
      count atLeast
      edges { cursor node { id } }
      nodes { id }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}`;

const openWith = async ({ env, sandbox, ...rest }: TestGatewayOptions = {}) => {
  const clock = createHastyClock();
  const gateway = await openGateway({
    clock,
    env: { AUTH: 'development', ...env },
    sandbox: { clock, rateLimits: Number.POSITIVE_INFINITY, ...sandbox },
    ...rest,
  });
  return { gateway, clock, world: gateway.sandbox.world };
};

/** A small world: the viewer follows thirty people, 29 of whom, all but the newest, are fans of the user. */
async function openSmall(env: Record<string, string> = {}) {
  const opened = await openWith({ env, sandbox: { emptyWorld: true } });
  const { world } = opened;
  for (const id of ['viewer', 'user', 'other']) world.importAccount(id);
  world.addFans('user', 29);
  world.addFans('other', 30);
  for (let n = 1; n <= 30; n++) world.follow('viewer', `crowd_0000${String(n).padStart(2, '0')}`, 1_700_000_000 + n);
  return opened;
}

async function read(gateway: TestGateway, viewer: string, id: string, first: number, after: string | null = null) {
  const { user } = await gateway.as(viewer).data<{ user: { knownFans: KnownFans } }>(QUERY, { id, first, after });
  return user.knownFans;
}

async function walk(gateway: TestGateway, viewer: string, id: string, first: number): Promise<KnownFans[]> {
  const pages: KnownFans[] = [];
  for (let after: string | null = null; ; ) {
    const page = await read(gateway, viewer, id, first, after);
    pages.push(page);
    if (!page.pageInfo.hasNextPage) return pages;
    after = page.pageInfo.endCursor;
  }
}

const idsOf = (pages: readonly KnownFans[]) => pages.flatMap(({ edges }) => edges.map(({ node }) => node.id));

function truth({ sandbox: { world } }: TestGateway, viewer: string, user: string): string[] {
  const fans = new Set(world.list(user, 'fans').map(({ id }) => id));
  return world.list(viewer, 'follows').flatMap(({ id }) => (fans.has(id) ? [id] : []));
}

const callsOf = ({ sandbox }: TestGateway) =>
  Object.values(sandbox.calls.summary()).reduce((sum, { received }) => sum + received, 0);

const codesOf = ({ errors }: { errors?: { path?: unknown[]; extensions: { code: string } }[] }) =>
  errors?.map(({ path, extensions }) => [path?.join('.'), extensions.code]);

test('for 80 pairs of people the pages hold whom brute force finds, in the order of the viewer’s follows', async () => {
  const { gateway } = await openWith({ config: { knownFansMaxCalls: 50 } });
  const random = createRandom(7);
  const sizes = { none: 0, some: 0 };
  for (let pair = 0; pair < 80; pair++) {
    // Numbers near 1 are the famous, and those who follow most; every fourth pair may be of anybody.
    const reach = pair % 4 === 0 ? 5000 : 300;
    const viewer = pair % 25 === 0 ? HERMIT : personId(1 + Math.floor(random() * reach));
    const user = pair % 20 === 0 ? STAR : personId(1 + Math.floor(random() * reach));
    const expected = truth(gateway, viewer, user);
    sizes[expected.length === 0 ? 'none' : 'some']++;
    const pages = await walk(gateway, viewer, user, 1 + (pair % 7) * 5);
    expect(idsOf(pages)).toEqual(expected);
    for (const [i, { count, atLeast, pageInfo, edges, nodes }] of pages.entries()) {
      expect({ count, atLeast }).toEqual({ count: expected.length, atLeast: false });
      expect(nodes).toEqual(edges.map(({ node }) => node));
      expect(pageInfo.hasPreviousPage).toBe(i > 0);
      expect([pageInfo.startCursor, pageInfo.endCursor]).toEqual([
        edges[0]?.cursor ?? null,
        edges.at(-1)?.cursor ?? null,
      ]);
    }
  }
  expect(sizes.some).toBeGreaterThan(20);
  expect(sizes.none).toBeGreaterThan(3);
});

test('every cursor resumes right after its edge, also when its member or others have gone', async () => {
  const { gateway, clock, world } = await openSmall();
  const all = await read(gateway, 'viewer', 'user', 100);
  const ids = idsOf([all]);
  expect(ids).toEqual(truth(gateway, 'viewer', 'user'));
  for (const [i, { cursor }] of all.edges.entries())
    expect(idsOf([await read(gateway, 'viewer', 'user', 3, cursor)])).toEqual(ids.slice(i + 1, i + 4));
  expect((await read(gateway, 'viewer', 'user', 100)).edges).toEqual(all.edges);

  for (const gone of [4, 28]) world.unfollow(ids[gone] as string, 'user');
  world.unfollow('viewer', ids[10] as string);
  world.follow('crowd_000030', 'user');
  clock.advance(3_600_001);
  const left = truth(gateway, 'viewer', 'user');
  expect(left).toHaveLength(27);
  for (const [i, { cursor }] of all.edges.entries())
    expect(idsOf([await read(gateway, 'viewer', 'user', 100, cursor)])).toEqual(
      ids.slice(i + 1).filter((id) => left.includes(id)),
    );
});

test('known fans bring their profiles and their relations to the viewer at no further call', async () => {
  const { gateway } = await openSmall();
  const { user } = await gateway
    .as('viewer')
    .data<{ user: { knownFans: { nodes: unknown[] } } }>(
      '{ user(id: "user") { knownFans(first: 2) { nodes { id nick viewerIsFollowing viewerCanFollow } } } }',
    );
  expect(user.knownFans.nodes[0]).toEqual({
    id: 'crowd_000029',
    nick: 'Crowd 29',
    viewerIsFollowing: true,
    viewerCanFollow: false,
  });
  expect(callsOf(gateway)).toBe(2);
});

test('first: 0 tells the count alone; too many, or fewer than none, are BAD_USER_INPUT and make no call', async () => {
  const { gateway } = await openSmall();
  for (const first of [-1, 101]) {
    const answer = await gateway.as('viewer').query(QUERY, { id: 'user', first });
    expect(codesOf(answer)).toEqual([['user.knownFans', 'BAD_USER_INPUT']]);
  }
  expect(callsOf(gateway)).toBe(0);
  const pageInfo = { hasNextPage: true, hasPreviousPage: false, startCursor: null, endCursor: null };
  const none = { count: 29, atLeast: false, edges: [], pageInfo };
  expect(await read(gateway, 'viewer', 'user', 0)).toMatchObject(none);
});

test('an anonymous viewer gets null and costs nothing, whatever cursor comes along', async () => {
  const { gateway } = await openSmall();
  for (const after of [null, 'made-up'])
    expect(await gateway.query(QUERY, { id: 'user', after })).toEqual({
      data: { user: { id: 'user', knownFans: null } },
    });
  expect(callsOf(gateway)).toBe(0);
});

test('where only the owner may see fans, others get FORBIDDEN and cost nothing', async () => {
  const { gateway } = await openSmall({ LIST_VISIBILITY: 'fans=self,follows=public,mutuals=public' });
  for (const asker of [gateway, gateway.as('viewer')]) {
    const answer = await asker.query(QUERY, { id: 'user' });
    expect(answer.data).toEqual({ user: { id: 'user', knownFans: null } });
    expect(codesOf(answer)).toEqual([['user.knownFans', 'FORBIDDEN']]);
  }
  expect(callsOf(gateway)).toBe(0);
  expect((await read(gateway, 'user', 'user', 20)).count).toBe(0);
});

describe('a cursor that is not one of this list is INVALID_CURSOR and makes no call', () => {
  const strangers: Record<string, (gateway: TestGateway) => Promise<string>> = {
    'another viewer’s': async (gateway) => (await read(gateway, 'user', 'user', 1)).edges[0]?.cursor ?? '',
    'another user’s': async (gateway) => (await read(gateway, 'viewer', 'other', 1)).edges[0]?.cursor as string,
    'one of the fans': async (gateway) => {
      const query = '{ user(id: "user") { fans { pageInfo { endCursor } } } }';
      const { user } = await gateway.data<{ user: { fans: KnownFans } }>(query);
      return user.fans.pageInfo.endCursor as string;
    },
  };

  test.each(Object.keys(strangers))('%s', async (which) => {
    const { gateway, world } = await openSmall();
    world.follow('user', 'crowd_000001');
    const after = await strangers[which]?.(gateway);
    expect(after).toMatch(/./);
    gateway.sandbox.calls.reset();
    const answer = await gateway.as('viewer').query(QUERY, { id: 'user', after });
    expect(codesOf(answer)).toEqual([['user.knownFans', 'INVALID_CURSOR']]);
    expect(callsOf(gateway)).toBe(0);
  });
});
