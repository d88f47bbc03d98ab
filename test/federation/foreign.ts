// A subgraph of somebody else: it has orders, a `PageInfo`, a `Node` and a `node` field of its own, and extends users.
import { createServer } from 'node:http';
import { buildSchema } from 'graphql';
import { createHandler } from 'graphql-http/lib/use/http';
import { type EntityNames, OWN_NAMES } from '../../src/graph/federation.ts';
import { listenOnLoopback } from '../support/loopback.ts';

export const foreignSdl = ({ type, key }: EntityNames = OWN_NAMES) => `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])

  scalar DateTime

  interface Node { id: ID! createdAt: DateTime! }

  type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }

  type Order implements Node @key(fields: "id") { id: ID! createdAt: DateTime! buyer: ${type}! }

  type OrderConnection { nodes: [Order!]! pageInfo: PageInfo! }

  type ${type} implements Node @key(fields: "${key}") {
    ${key === 'id' ? '' : `${key}: ID!`}
    id: ID!
    createdAt: DateTime!
    orders: [Order!]!
  }

  type Query {
    node(id: ID!): Node
    orders(first: Int!): OrderConnection!
  }
`;

const CREATED = '2026-01-01T00:00:00Z';

/** Serves it: order `n` is the one order of the n-th of `buyers`. `id` is the buyer's where the key is another field. */
export async function openForeignSubgraph(buyers: readonly string[], { type, key }: EntityNames = OWN_NAMES) {
  const buyer = (name: string) => ({
    __typename: type,
    id: key === 'id' ? name : `inner-${name}`,
    [key]: name,
    createdAt: CREATED,
    orders: () => buyers.flatMap((other, index) => (other === name ? [order(index)] : [])),
  });
  const order = (index: number) => ({
    __typename: 'Order',
    id: `order-${index}`,
    createdAt: CREATED,
    buyer: () => buyer(buyers[index] as string),
  });
  const schema = buildSchema(
    `${foreignSdl({ type, key })}
    scalar _Any
    union _Entity = Order | ${type}
    extend type Query { _entities(representations: [_Any!]!): [_Entity]! }`,
    { assumeValidSDL: true },
  );
  const rootValue = {
    node: ({ id }: { id: string }) => (id.startsWith('order-') ? order(Number(id.slice(6))) : buyer(id)),
    orders: ({ first }: { first: number }) => ({
      nodes: buyers.slice(0, first).map((_buyer, index) => order(index)),
      pageInfo: { hasNextPage: first < buyers.length, hasPreviousPage: false, startCursor: '0', endCursor: `${first}` },
    }),
    _entities: ({ representations }: { representations: Record<string, string>[] }) =>
      representations.map(({ __typename, ...fields }) =>
        __typename === type ? buyer(fields[key] as string) : order(Number(fields.id?.slice(6))),
      ),
  };
  const server = createServer(createHandler({ schema, rootValue }));
  return `http://127.0.0.1:${await listenOnLoopback(server)}/graphql`;
}
