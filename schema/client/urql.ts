// What urql's Graphcache needs to know of the graph: `cacheExchange({ ...graphcache })`.
import type { Cache, CacheExchangeOpts, Entity, UpdateResolver } from '@urql/exchange-graphcache';
import { relayPagination } from '@urql/exchange-graphcache/extras';
import { embeddedTypes, events, lookups, mutations, pagedFields, possibleTypes } from './shape.ts';

type Payload = { viewer?: Entity; results?: { user?: Entity }[] };

/** Asks for the lists of the viewer, and of those whom the change concerns, again. */
const changed: UpdateResolver = (parent, _args, cache, { fieldName, optimistic }) => {
  if (optimistic) return;
  const { viewer = cache.resolve('Query', 'viewer') as Entity, results = [] } = (parent[fieldName] ?? {}) as Payload;
  for (const entity of ['Query', viewer, ...results.map(({ user }) => user)]) invalidateLists(cache, entity);
};

/** Asks for the user of an event again, with all lists; also where events were missed. */
const happened: UpdateResolver = (_parent, { userId }, cache) =>
  cache.invalidate({ __typename: 'User', id: String(userId) });

const ofUser = Object.keys(events).filter((event) => events[event]?.includes('userId'));

/** Possible types, keys, resolvers and updates; with `optimistic` and what else an app needs beside them. */
export const graphcache: Pick<CacheExchangeOpts, 'possibleTypes' | 'keys' | 'resolvers' | 'updates'> = {
  possibleTypes,
  keys: eachOf(embeddedTypes, () => () => null),
  resolvers: {
    ...eachOf(Object.keys(pagedFields), (type) => eachOf(listsOf(type), () => relayPagination())),
    Query: {
      ...eachOf(listsOf('Query'), () => relayPagination()),
      ...eachOf(
        Object.keys(lookups),
        (field) =>
          (_parent, { id }) =>
            ({ __typename: lookups[field], id }) as Entity,
      ),
    },
  },
  updates: { Mutation: eachOf(mutations, () => changed), Subscription: eachOf(ofUser, () => happened) },
};

function listsOf(type: string): string[] {
  return Object.keys(pagedFields[type] ?? {});
}

function eachOf<T>(names: string[], make: (name: string) => T): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, make(name)]));
}

/** All pages: one field's invalidation leaves those with arguments. */
function invalidateLists(cache: Cache, entity: Entity | undefined): void {
  for (const { fieldName, arguments: args } of entity ? cache.inspectFields(entity) : [])
    if (Object.values(pagedFields).some((lists) => fieldName in lists)) cache.invalidate(entity, fieldName, args);
}
