// The schema that both Yoga peers have, made by Pothos with its default settings; they differ in where fields come from.
import SchemaBuilder from '@pothos/core';
import type { GraphQLSchema } from 'graphql';
import type { Edge, Page, Person } from './pages.ts';

type Scalar = { Input: string; Output: string };
export type ListName = 'fans' | 'follows' | 'mutuals';
type MaybePromise<T> = T | Promise<T>;

export type Source<Context> = {
  page(id: string, list: ListName, first: number, after: string, context: Context): MaybePromise<Page | null>;
  profile?(id: string, context: Context): Promise<Person>;
  counts?(id: string, context: Context): Promise<Record<ListName, number>>;
};

export function createSchema<Context extends object>({ page, profile, counts }: Source<Context>): GraphQLSchema {
  const builder = new SchemaBuilder<{ Scalars: { ID: Scalar; DateTime: Scalar; URL: Scalar }; Context: Context }>({});
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
          resolve: ({ id }, { first, after }, context) => page(id, name, first ?? 20, after ?? '', context),
        });
      const count = (name: ListName) =>
        t.int({ nullable: true, resolve: async ({ id }, _args, context) => (await counts?.(id, context))?.[name] });
      return {
        id: t.exposeID('id'),
        nick: profile
          ? t.string({
              nullable: true,
              resolve: async (u, _, c) => (u.nick === undefined ? (await profile(u.id, c)).nick : u.nick),
            })
          : t.exposeString('nick', { nullable: true }),
        avatar: profile
          ? t.field({
              type: 'URL',
              nullable: true,
              resolve: async (u, _, c) => (u.avatar === undefined ? (await profile(u.id, c)).avatar : u.avatar),
            })
          : t.expose('avatar', { type: 'URL', nullable: true }),
        fansCount: count('fans'),
        followsCount: count('follows'),
        mutualsCount: count('mutuals'),
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
