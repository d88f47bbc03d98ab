// What Apollo Client's cache and links need to know of the graph.
import {
  type ApolloCache,
  ApolloLink,
  type FieldPolicy,
  HttpLink,
  type Reference,
  ServerError,
  type TypePolicies,
} from '@apollo/client';
import { RetryLink } from '@apollo/client/link/retry';
import { relayStylePagination } from '@apollo/client/utilities';
import { tap } from 'rxjs';
import type { FollowEventsSubscription } from '../documents.ts';
import { embeddedTypes, events, lookups, pagedFields } from './shape.ts';

export { possibleTypes } from './shape.ts';

/**
 * `typePolicies` of `InMemoryCache`: lists are joined page by page, a user whom a list has brought is shown at once, and what
 * two screens select of a value without an id stays together.
 */
export const typePolicies: TypePolicies = Object.fromEntries([
  // A page's `PageInfo` is its own: merged with that of the page before, it would give its first edge that one's cursor.
  ...embeddedTypes.filter((type) => type !== 'PageInfo').map((type) => [type, { merge: true }]),
  ...['Query', 'Subscription', ...Object.keys(pagedFields)].map((type) => [type, { fields: fieldsOf(type) }]),
]);

/** Asks over HTTP; subscriptions too, which it opens again after a break, from the last event on. */
export function resumingLink(options: HttpLink.Options): ApolloLink {
  const again = new RetryLink({
    delay: { max: 10_000 },
    attempts: (_count, { operationType }, error) =>
      operationType === 'subscription' && !(ServerError.is(error) && error.statusCode < 500),
  });
  const fromCursor = new ApolloLink((operation, forward) =>
    forward(operation).pipe(
      tap(({ data }) => {
        for (const event of Object.values(data ?? {}))
          if (event?.cursor) operation.variables = { ...operation.variables, after: event.cursor };
      }),
    ),
  );
  return ApolloLink.from([again, fromCursor, new HttpLink(options)]);
}

/** Puts a new fan on top of the list that is shown, unless it is searched, and takes a lost one out of it; the total follows. */
export function showFollowEvent(cache: ApolloCache, event: FollowEventsSubscription['followEvents']): void {
  if (event.__typename !== 'FanGained' && event.__typename !== 'FanLost') return;
  cache.modify<Record<string, { totalCount?: number | null; edges: { node: Reference }[] }>>({
    id: cache.identify(event.owner),
    fields: {
      fans(fans, { toReference, readField, storeFieldName }) {
        if (!('edges' in fans)) return fans;
        const isGained = event.__typename === 'FanGained';
        const others = fans.edges.filter(({ node }) => readField('id', node) !== event.user.id);
        const isShown = isGained && !storeFieldName.includes('"matching":"');
        const gained = isShown ? [{ ...event.edge, node: toReference(event.edge.node) }] : [];
        const edges = [...gained, ...others] as typeof fans.edges;
        return { ...fans, edges, totalCount: fans.totalCount == null ? null : fans.totalCount + (isGained ? 1 : -1) };
      },
    },
  });
}

function fieldsOf(type: string): Record<string, FieldPolicy> {
  const fields: Record<string, FieldPolicy> = {};
  for (const [field, __typename] of type === 'Query' ? Object.entries(lookups) : [])
    fields[field] = { read: (known, { args, toReference }) => known ?? toReference({ __typename, id: args?.id }) };
  // An event is not a newer form of the one before.
  for (const event of type === 'Subscription' ? Object.keys(events) : []) fields[event] = { merge: false };
  for (const [field, keyArgs] of Object.entries(pagedFields[type] ?? {}))
    fields[field] = relayStylePagination(keyArgs.length > 0 ? keyArgs : undefined);
  return fields;
}
