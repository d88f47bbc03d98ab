// In a supergraph with a subgraph of somebody else: composed by two composers, served by two routers.
import { buildSchema, type GraphQLObjectType } from 'graphql';
import { expect, test } from 'vitest';
import { type EntityNames, OWN_NAMES, printSubgraphSdl } from '../../src/graph/federation.ts';
import { createHastyClock } from '../support/clock.ts';
import { callCounts, openGateway } from '../support/gateway.ts';
import { foreignSdl, openForeignSubgraph } from './foreign.ts';
import { COMPOSERS, compose, ROUTERS } from './supergraph.ts';

const ACCOUNT: EntityNames = { type: 'Account', key: 'accountId' };
const SETTINGS = { FEDERATION_USER_TYPE: ACCOUNT.type, FEDERATION_USER_KEY: ACCOUNT.key };
const SECRET = 'a-secret-of-the-router';

const composers = Object.keys(COMPOSERS) as (keyof typeof COMPOSERS)[];
const routers = Object.keys(ROUTERS) as (keyof typeof ROUTERS)[];

/** A gateway, a foreign subgraph in which its star's fans have an order each, and a router in front of both. */
async function openSupergraph(router: keyof typeof ROUTERS, { names = OWN_NAMES, env = {}, buyers = 100 } = {}) {
  const clock = createHastyClock();
  const gateway = await openGateway({ clock, env, sandbox: { emptyWorld: true, clock } });
  gateway.sandbox.world.addFans('star', buyers);
  const fans = gateway.sandbox.world.list('star', 'fans').map(({ id }) => id);
  const foreignUrl = await openForeignSubgraph(fans, names);
  const { _service } = await gateway.data<{ _service: { sdl: string } }>('{ _service { sdl } }');
  const ask = await ROUTERS[router]([
    { name: 'follows', url: `${gateway.url}/graphql`, sdl: _service.sdl },
    { name: 'orders', url: foreignUrl, sdl: foreignSdl(names) },
  ]);
  return { gateway, fans, ask };
}

test.each(composers)(
  '%s’s composer joins us with a PageInfo, Node, node and DateTime of others, and users of both',
  (composer) => {
    const supergraph = compose(composer, [
      { name: 'follows', url: 'http://127.0.0.1/1', sdl: printSubgraphSdl() },
      { name: 'orders', url: 'http://127.0.0.1/2', sdl: foreignSdl() },
    ]);
    const schema = buildSchema(supergraph, { assumeValidSDL: true });
    const fieldsOf = (type: string) => Object.keys((schema.getType(type) as GraphQLObjectType).getFields());
    expect(fieldsOf('User')).toEqual(expect.arrayContaining(['id', 'nick', 'fans', 'orders', 'createdAt']));
    expect(fieldsOf('Query')).toEqual(expect.arrayContaining(['node', 'orders', 'user', 'viewer']));
    expect(fieldsOf('Query')).not.toContain('nodes');
    expect(fieldsOf('Node')).toEqual(['id', 'createdAt']);
    expect(fieldsOf('PageInfo')).toHaveLength(4);
    expect(schema.getMutationType()?.getFields()).toHaveProperty('followUsers');
    expect(schema.getSubscriptionType()?.getFields()).toHaveProperty('followEvents');
    // WunderGraph's router takes costs from its own configuration.
    const costs = composer === 'WunderGraph' ? [] : ['@cost(weight: 1)', '@listSize('];
    for (const directive of [...costs, '@tag(name: "internal")']) expect(supergraph).toContain(directive);
  },
);

test.each(routers)(
  '%s answers from both: 100 foreign orders with the names of their buyers cost one portrait_get',
  async (router) => {
    const { gateway, fans, ask } = await openSupergraph(router);
    gateway.sandbox.calls.reset();
    const { data, errors } = await ask(
      '{ orders(first: 100) { nodes { id createdAt buyer { id nick createdAt } } pageInfo { hasNextPage endCursor } } }',
    );
    expect(errors).toBeUndefined();
    expect(data?.orders).toEqual({
      nodes: fans.map((id, index) => ({
        id: `order-${index}`,
        createdAt: expect.any(String),
        buyer: { id, nick: expect.stringMatching(/^Crowd/), createdAt: expect.any(String) },
      })),
      pageInfo: { hasNextPage: false, endCursor: '100' },
    });
    expect(callCounts(gateway)).toEqual({ portrait_get: 1 });
  },
);

test.each(routers)(
  '%s goes from our lists to foreign fields and back, and its own node finds our users',
  async (router) => {
    const { fans, ask } = await openSupergraph(router, { buyers: 3 });
    const { data, errors } = await ask(`{
    user(id: "star") {
      fansCount
      fans(first: 2) { totalCount pageInfo { hasNextPage } edges { followedAt node { id orders { id buyer { nick } } } } }
    }
    node(id: "${fans[2]}") { __typename id createdAt ... on User { nick follows { nodes { id } } } }
  }`);
    expect(errors).toBeUndefined();
    const nick = expect.stringMatching(/^Crowd/);
    expect(data).toEqual({
      user: {
        fansCount: 3,
        fans: {
          totalCount: 3,
          pageInfo: { hasNextPage: true },
          edges: [0, 1].map((index) => ({
            followedAt: expect.any(String),
            node: { id: fans[index], orders: [{ id: `order-${index}`, buyer: { nick } }] },
          })),
        },
      },
      node: {
        __typename: 'User',
        id: fans[2],
        createdAt: expect.any(String),
        nick,
        follows: { nodes: [{ id: 'star' }] },
      },
    });
  },
);

test.each(routers)('%s knows users by the supergraph’s name and key, and answers from both', async (router) => {
  const { gateway, fans, ask } = await openSupergraph(router, { names: ACCOUNT, env: SETTINGS });
  gateway.sandbox.calls.reset();
  const { data, errors } = await ask(`{
    orders(first: 100) { nodes { buyer { __typename accountId id nick } } }
    user(id: "star") { __typename accountId id fans(first: 1) { nodes { accountId orders { id } } } }
  }`);
  expect(errors).toBeUndefined();
  expect(data?.orders).toEqual({
    nodes: fans.map((id) => ({
      buyer: { __typename: 'Account', accountId: id, id: `inner-${id}`, nick: expect.stringMatching(/^Crowd/) },
    })),
  });
  expect(data?.user).toEqual({
    __typename: 'Account',
    accountId: 'star',
    id: 'inner-star',
    fans: { nodes: [{ accountId: fans[0], orders: [{ id: 'order-0' }] }] },
  });
  // Profiles that came with the list are asked for no more, when it was there first.
  const { portrait_get = 0, ...others } = callCounts(gateway);
  expect(others).toEqual({ follow_get: 1 });
  expect(portrait_get).toBeLessThanOrEqual(1);
});

test.each(routers)('an account that we do not have fails alone behind %s', async (router) => {
  const { gateway, fans, ask } = await openSupergraph(router, { buyers: 3 });
  gateway.sandbox.world.removeAccount(fans[1] as string);
  const { data, errors } = await ask('{ orders(first: 3) { nodes { buyer { id nick } } } }');
  const nick = expect.stringMatching(/^Crowd/);
  expect(data).toEqual({
    orders: { nodes: fans.map((id, index) => ({ buyer: { id, nick: index === 1 ? null : nick } })) },
  });
  expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['USER_NOT_FOUND']);
});

test.each(routers)(
  'who %s says is asking is the viewer, when the router’s secret stands beside it, and is refused without',
  async (router) => {
    const { gateway, fans, ask } = await openSupergraph(router, {
      buyers: 3,
      env: { AUTH: 'header', VIEWER_HEADER_SECRET: SECRET },
    });
    const [followed, other] = fans as [string, string, string];
    gateway.sandbox.world.importAccount('me');
    gateway.sandbox.world.follow('me', followed);
    const query = '{ viewer { id } orders(first: 2) { nodes { buyer { id viewerIsFollowing } } } }';
    const buyers = (first: boolean | null, second: boolean | null) => ({
      nodes: [
        { buyer: { id: followed, viewerIsFollowing: first } },
        { buyer: { id: other, viewerIsFollowing: second } },
      ],
    });

    const trusted = await ask(query, { 'x-viewer-id': 'me', 'x-viewer-secret': SECRET });
    expect(trusted).toEqual({ data: { viewer: { id: 'me' }, orders: buyers(true, false) } });
    expect(await ask(query)).toEqual({ data: { viewer: null, orders: buyers(null, null) } });

    gateway.sandbox.calls.reset();
    for (const secret of [null, 'b-secret-of-the-router']) {
      const refused = await ask(query, { 'x-viewer-id': 'me', ...(secret && { 'x-viewer-secret': secret }) });
      expect(refused.data).toEqual({ viewer: null, orders: buyers(null, null) });
      expect(new Set(refused.errors?.map(({ extensions }) => extensions.code))).toEqual(new Set(['UNAUTHENTICATED']));
    }
    expect(callCounts(gateway)).toEqual({});
  },
);
