// In a supergraph with a subgraph of somebody else: composed by two composers, served by two routers.
import { buildSchema, type GraphQLObjectType } from 'graphql';
import { expect, test } from 'vitest';
import { type EntityNames, OWN_NAMES, printSubgraphSdl } from '../../src/graph/federation.ts';
import { callCounts, openGateway } from '../support/gateway.ts';
import { foreignSdl, openForeignSubgraph } from './foreign.ts';
import { COMPOSERS, compose, ROUTERS } from './supergraph.ts';

const ACCOUNT: EntityNames = { type: 'Account', key: 'accountId' };
const NICK = expect.stringMatching(/^Crowd/);
/** What the foreign subgraph has as an `id` where another field is the key. */
const idOf = (userId: string, key: string) => (key === 'id' ? userId : `inner-${userId}`);

const composers = Object.keys(COMPOSERS) as (keyof typeof COMPOSERS)[];
const routers = Object.keys(ROUTERS) as (keyof typeof ROUTERS)[];

/** A gateway, a foreign subgraph in which its star's fans have an order each, and a router in front of both. */
async function openSupergraph(router: keyof typeof ROUTERS, { names = OWN_NAMES, buyers = 100 } = {}) {
  const gateway = await openGateway({
    env: { FEDERATION_USER_TYPE: names.type, FEDERATION_USER_KEY: names.key },
  });
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

const namings = routers.flatMap((router) => [OWN_NAMES, ACCOUNT].map((names) => ({ router, ...names })));

test.each(namings)(
  '$router answers from both, with users as $type by $key: 100 foreign orders with the names of their buyers cost one portrait_get',
  async ({ router, type, key }) => {
    const { gateway, fans, ask } = await openSupergraph(router, { names: { type, key } });
    gateway.sandbox.calls.reset();
    const { data, errors } = await ask(`{
      orders(first: 100) {
        nodes { id createdAt buyer { __typename ${key} id nick createdAt } }
        pageInfo { hasNextPage endCursor }
      }
    }`);
    expect(errors).toBeUndefined();
    expect(data?.orders).toEqual({
      nodes: fans.map((id, index) => ({
        id: `order-${index}`,
        createdAt: expect.any(String),
        buyer: { __typename: type, [key]: id, id: idOf(id, key), nick: NICK, createdAt: expect.any(String) },
      })),
      pageInfo: { hasNextPage: false, endCursor: '100' },
    });
    expect(callCounts(gateway)).toEqual({ portrait_get: 1 });
  },
);

test.each(namings)(
  '$router goes from our lists to foreign fields and back, with users as $type by $key, and its own node finds them',
  async ({ router, type, key }) => {
    const { fans, ask } = await openSupergraph(router, { names: { type, key }, buyers: 3 });
    const { data, errors } = await ask(`{
      user(id: "star") {
        __typename ${key} id fansCount
        fans(first: 2) {
          totalCount
          pageInfo { hasNextPage }
          edges { followedAt node { ${key} orders { id buyer { nick } } } }
        }
      }
      node(id: "${fans[2]}") { __typename id createdAt ... on ${type} { ${key} nick follows { nodes { ${key} } } } }
    }`);
    expect(errors).toBeUndefined();
    expect(data).toEqual({
      user: {
        ...{ __typename: type, [key]: 'star', id: idOf('star', key), fansCount: 3 },
        fans: {
          totalCount: 3,
          pageInfo: { hasNextPage: true },
          edges: [0, 1].map((index) => ({
            followedAt: expect.any(String),
            node: { [key]: fans[index], orders: [{ id: `order-${index}`, buyer: { nick: NICK } }] },
          })),
        },
      },
      node: {
        ...{ __typename: type, [key]: fans[2], id: idOf(String(fans[2]), key), createdAt: expect.any(String) },
        nick: NICK,
        follows: { nodes: [{ [key]: 'star' }] },
      },
    });
  },
);

test.each(routers)('an account that we do not have fails alone behind %s', async (router) => {
  const { gateway, fans, ask } = await openSupergraph(router, { buyers: 3 });
  gateway.sandbox.world.removeAccount(fans[1] as string);
  const { data, errors } = await ask('{ orders(first: 3) { nodes { buyer { id nick } } } }');
  expect(data).toEqual({
    orders: { nodes: fans.map((id, index) => ({ buyer: { id, nick: index === 1 ? null : NICK } })) },
  });
  expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['USER_NOT_FOUND']);
});
