// A gateway in front of a few people, what one of them sees of another, and whether that is the truth.
import { expect } from 'vitest';
import type { FollowList } from '../../src/follow/model.ts';
import { createHastyClock, createRunningClock, type TestClock } from '../support/clock.ts';
import {
  type Answer,
  openGateway,
  type Replica,
  type TestGateway,
  type TestGatewayOptions,
} from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { PATH, TOKEN } from '../webhook/webhook-gateway.ts';

export type World = Awaited<ReturnType<typeof openWorld>>;
export type WorldOptions = TestGatewayOptions & {
  clock?: TestClock;
  people?: readonly string[];
  /** 'anna bert': anna follows bert. Each does so a second after the one before. */
  follows?: readonly string[];
  /** Whether the upstream sends webhooks to the first gateway. */
  hasWebhooks?: boolean;
};

/** Opens a gateway in front of these people alone, who are known by a header, at an upstream without a rate limit. */
export async function openWorld(options: WorldOptions = {}) {
  const {
    people = ['anna', 'bert', 'cleo', 'dora'],
    follows = [],
    hasWebhooks = false,
    env,
    sandbox,
    ...rest
  } = options;
  // The look at the state before a change has 1.5 s: that is a timeout, not a pause.
  const clock = rest.clock ?? createHastyClock(1000);
  const gateway = await openGateway({
    ...rest,
    clock,
    env: {
      ...{ AUTH: 'development', METRICS_PORT: '0' },
      ...(hasWebhooks && { WEBHOOK_TOKEN: TOKEN, WEBHOOK_PATH: PATH }),
      ...env,
    },
    sandbox: { rateLimits: Number.POSITIVE_INFINITY, ...sandbox },
  });
  const { world, faults } = gateway.sandbox;
  for (const id of people) world.importAccount(id);
  for (const [n, pair] of follows.entries()) {
    const [from = '', to = ''] = pair.split(' ');
    world.follow(from, to, 1_700_000_000 + n);
  }
  if (hasWebhooks) gateway.sandbox.webhooks.connect({ url: `${gateway.url}${PATH}`, token: TOKEN });
  return { ...gateway, world, faults, clock };
}

/** The same on a Redis, which another replica shares; webhooks come to the first one. Time runs on by itself. */
export async function openTwo(options: WorldOptions = {}) {
  const redis = await startRedis();
  // A machine that is busy must not be taken for a Redis that is away.
  const env = { REDIS_URL: redis.url, REDIS_TIMEOUT_MS: '5000', ...options.env };
  const gateway = await openWorld({ clock: createRunningClock(), ...options, env });
  return { redis, clock: gateway.clock, gateway, other: await gateway.openReplica() };
}

/** The value at a path of field names and indexes, 'users.0.nick'. */
export const at = <T = unknown>(data: unknown, path: string): T =>
  path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | null)?.[key], data) as T;

/** Where an answer failed, and with which code. */
export const codesOf = ({ errors }: Answer): string[] | undefined =>
  errors?.map(({ path = [], extensions }) => [...path, extensions.code].join(' '));

/** The headers of a viewer. */
export const asViewer = (id: string | null): Record<string, string> => (id === null ? {} : { 'x-viewer-id': id });

/** Every way to a user, who is among the fans and mutuals of `star`: its name, a query, and where that shows the user. */
export const userWays = (id: string, star: string, selection: string): [way: string, query: string, path: string][] => [
  ['user', `{ user(id: "${id}") { ${selection} } }`, 'user'],
  ['users', `{ users(ids: ["${id}"]) { ${selection} } }`, 'users.0'],
  ['node', `{ node(id: "${id}") { ... on User { ${selection} } } }`, 'node'],
  ['nodes', `{ nodes(ids: ["${id}"]) { ... on User { ${selection} } } }`, 'nodes.0'],
  ['fan', `{ user(id: "${star}") { fans { edges { node { ${selection} } } } } }`, 'user.fans.edges.0.node'],
  ['mutual', `{ user(id: "${star}") { mutuals { nodes { ${selection} } } } }`, 'user.mutuals.nodes.0'],
  [
    'entity',
    `{ _entities(representations: [{ __typename: "User", id: "${id}" }]) { ... on User { ${selection} } } }`,
    '_entities.0',
  ],
];

export type Change = 'followUsers' | 'unfollowUsers' | 'removeFans' | 'blockUsers' | 'unblockUsers';

export const mutationOf = (field: Change) => {
  const type = /block/i.test(field) ? 'Block' : 'Follow';
  return `mutation ($ids: [ID!]!) { done: ${field}(input: { userIds: $ids }) { results { __typename
    ... on ${type}Changed { user { id } } ... on ${type}Unchanged { user { id } } ... on ${type}Failure { userId reason message }
  } } }`;
};

type Result = { __typename: string; user?: { id: string }; userId?: string; reason?: string; message?: string };

/** What clients are told of a change of which nobody knows whether it was made. */
export const LOOK_AGAIN = expect.stringContaining('Look again before trying again');

/** Makes a change in a viewer's name; answers what became of each target: 'bert Changed', 'nobody USER_NOT_FOUND'. */
export async function change(replica: Replica, field: Change, viewer: string, ids: readonly string[]) {
  const data = await replica.as(viewer).data(mutationOf(field), { ids });
  const results = at<Result[]>(data, 'done.results');
  for (const { reason, message } of results) if (reason === 'UNKNOWN_OUTCOME') expect(message).toEqual(LOOK_AGAIN);
  return results.map(({ __typename, user, userId, reason }) =>
    user ? `${user.id} ${__typename.replace(/^(Follow|Block)/, '')}` : `${userId} ${reason}`,
  );
}

const LISTS: readonly FollowList[] = ['fans', 'follows', 'mutuals'];

/** All that a screen shows of two users, as one of them sees it. */
async function view(replica: Replica, viewer: string, other: string) {
  const shown =
    'fans { nodes { id } } follows { nodes { id } } mutuals { nodes { id } } byNick: follows(orderBy: NICK_ASC) { nodes { id } } fansCount followsCount mutualsCount';
  const data = await replica.as(viewer).data(
    `query ($id: ID!) {
      viewer { ${shown} relationTo(userId: $id) }
      blockedUsers { edges { node { id } } }
      user(id: $id) {
        ${shown} viewerIsFollowing isFollowingViewer viewerCanFollow viewerHasBlocked relationTo(userId: "${viewer}")
        knownFans { nodes { id } }
      }
    }`,
    { id: other },
  );
  const flat = (side: string) => {
    const user = at<Record<string, unknown>>(data, side);
    const ids = (list: string) => at<{ id: string }[]>(user, `${list}.nodes`).map(({ id }) => id);
    return { ...user, ...Object.fromEntries([...LISTS, 'byNick' as const].map((list) => [list, ids(list).sort()])) };
  };
  const blocked = at<{ node: { id: string } }[]>(data, 'blockedUsers.edges').map(({ node }) => node.id);
  return { viewer: flat('viewer'), user: flat('user'), blocked: blocked.sort() };
}

/** The same as `view`, read from the sandbox's world. */
function truth({ sandbox: { world } }: TestGateway, viewer: string, other: string) {
  const sideOf = (id: string) => {
    const ids = (list: FollowList) => world.list(id, list).map((member) => member.id);
    const lists = LISTS.map((list) => [list, ids(list).sort()]);
    const counts = LISTS.map((list) => [`${list}Count`, world.counts(id)[list]]);
    return Object.fromEntries([...lists, ...counts, ['byNick', ids('follows').sort()]]);
  };
  const isFollowing = world.followTime(viewer, other) !== undefined;
  const isFan = world.followTime(other, viewer) !== undefined;
  const relation = (there: boolean, back: boolean) => (there ? (back ? 'MUTUAL' : 'FOLLOWING') : back ? 'FAN' : 'NONE');
  const blocked = world.blockedBy(viewer).map(([id]) => id);
  const known = world.list(viewer, 'follows').filter(({ id }) => world.followTime(id, other) !== undefined);
  return {
    viewer: { ...sideOf(viewer), relationTo: relation(isFollowing, isFan) },
    user: {
      ...sideOf(other),
      viewerIsFollowing: isFollowing,
      isFollowingViewer: isFan,
      viewerCanFollow: !isFollowing,
      viewerHasBlocked: world.hasBlocked(viewer, other),
      relationTo: relation(isFan, isFollowing),
      knownFans: { nodes: known.map(({ id }) => ({ id })) },
    },
    blocked: blocked.sort(),
  };
}

type Seeing = {
  replicas?: readonly Replica[];
  /** Whether counts show a change only when the upstream does. */
  countsLag?: boolean;
};

/** Fails where either of two users, 'anna bert', sees on any replica what is not so. */
export async function expectTruth(gateway: TestGateway, pairs: readonly string[], seeing: Seeing = {}) {
  const { replicas = [gateway], countsLag = false } = seeing;
  const shown = (seen: unknown) =>
    JSON.parse(JSON.stringify(seen, (key, value) => (countsLag && key.endsWith('Count') ? undefined : value)));
  const both = pairs
    .map((pair) => pair.split(' '))
    .flatMap(([one = '', two = '']) => [[one, two] as const, [two, one] as const]);
  for (const replica of replicas)
    await Promise.all(
      both.map(async ([viewer, other]) =>
        expect(shown(await view(replica, viewer, other))).toEqual(shown(truth(gateway, viewer, other))),
      ),
    );
}

/** An upstream that shows changes late, in lists and counts. */
export const LAGGING = { listsLag: { ms: 20_000 }, countsLag: { ms: 20_000 } };
