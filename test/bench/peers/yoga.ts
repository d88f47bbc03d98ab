// GraphQL Yoga with a schema by Pothos, both with their default settings.
import { createServer } from 'node:http';
import SchemaBuilder from '@pothos/core';
import { createYoga } from 'graphql-yoga';
import { announce, type Edge, type FansPage, keyOf, readPages } from './pages.ts';

type Scalar = { Input: string; Output: string };
type Person = { id: string; nick?: string | null; avatar?: string | null };

const pages = readPages();
const builder = new SchemaBuilder<{ Scalars: { ID: Scalar; DateTime: Scalar; URL: Scalar } }>({});
builder.scalarType('DateTime', { serialize: (time) => time });
builder.scalarType('URL', { serialize: (url) => url });

const PageInfo = builder.objectRef<FansPage['pageInfo']>('PageInfo').implement({
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage'),
    endCursor: t.exposeString('endCursor', { nullable: true }),
  }),
});

const User = builder.objectRef<Person>('User');
const FollowEdge = builder.objectRef<Edge>('FollowEdge').implement({
  fields: (t) => ({
    cursor: t.exposeString('cursor'),
    followedAt: t.expose('followedAt', { type: 'DateTime' }),
    node: t.expose('node', { type: User }),
  }),
});

const FollowConnection = builder.objectRef<FansPage>('FollowConnection').implement({
  fields: (t) => ({
    edges: t.expose('edges', { type: [FollowEdge] }),
    pageInfo: t.expose('pageInfo', { type: PageInfo }),
  }),
});

User.implement({
  fields: (t) => ({
    id: t.exposeID('id'),
    nick: t.exposeString('nick', { nullable: true }),
    avatar: t.expose('avatar', { type: 'URL', nullable: true }),
    fans: t.field({
      type: FollowConnection,
      nullable: true,
      args: { first: t.arg.int({ defaultValue: 20 }) },
      resolve: ({ id }, { first }) => pages.get(keyOf(id, first ?? 20)) ?? null,
    }),
  }),
});

builder.queryType({
  fields: (t) => ({
    user: t.field({
      type: User,
      nullable: true,
      args: { id: t.arg.id({ required: true }) },
      resolve: (_root, { id }) => ({ id }),
    }),
  }),
});

const server = createServer(createYoga({ schema: builder.toSchema() }));
server.listen(0, '127.0.0.1', () => announce(server));
