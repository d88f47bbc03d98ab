// The schema that both Yoga peers have, made by Pothos with its default settings; they differ in where pages come from.
import SchemaBuilder from '@pothos/core';
import type { GraphQLSchema } from 'graphql';
import type { Edge, Page, Person } from './pages.ts';
import { countField, type ListName, profileField } from './schema.ts';
import type { Loaders } from './source.ts';

type Scalar = { Input: string; Output: string };
type Types = { Scalars: { ID: Scalar; DateTime: Scalar; URL: Scalar }; Context: Loaders };
type ReadPage = (id: string, list: ListName, first: number, after: string) => Page | null | Promise<Page>;

export function createSchema(readPage: ReadPage): GraphQLSchema {
  const builder = new SchemaBuilder<Types>({});
  builder.scalarType('DateTime', { serialize: (time) => time });
  builder.scalarType('URL', { serialize: (url) => url });

  const PageInfo = builder.objectRef<Page['pageInfo']>('PageInfo').implement({
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
  const FollowConnection = builder.objectRef<Page>('FollowConnection').implement({
    fields: (t) => ({
      edges: t.expose('edges', { type: [FollowEdge] }),
      pageInfo: t.expose('pageInfo', { type: PageInfo }),
    }),
  });

  User.implement({
    fields: (t) => {
      const list = (name: ListName) =>
        t.field({
          type: FollowConnection,
          nullable: true,
          args: { first: t.arg.int({ defaultValue: 20 }), after: t.arg.string() },
          resolve: ({ id }, { first, after }) => readPage(id, name, first ?? 20, after ?? ''),
        });
      return {
        id: t.exposeID('id'),
        nick: t.string({ nullable: true, resolve: profileField('nick') }),
        avatar: t.field({ type: 'URL', nullable: true, resolve: profileField('avatar') }),
        fansCount: t.int({ nullable: true, resolve: countField('fans') }),
        followsCount: t.int({ nullable: true, resolve: countField('follows') }),
        mutualsCount: t.int({ nullable: true, resolve: countField('mutuals') }),
        fans: list('fans'),
        follows: list('follows'),
        mutuals: list('mutuals'),
      };
    },
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
  return builder.toSchema();
}
