// Lists in Apollo's cache, loaded page by page with what `schema/operations` has for them.
import { gql, type TypedDocumentNode } from '@apollo/client/core';
import { filter, firstValueFrom } from 'rxjs';
import { onTestFinished } from 'vitest';
import { FansScreenDocument, FollowsScreenDocument, KnownFansDocument } from '../../schema/documents.ts';
import type { List, Star } from './lists.ts';
import { type ApolloOptions, openApollo } from './open-apollo.ts';

type Page = {
  edges: { cursor: string; node: { id: string } }[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
};
type Screen = { user: Partial<Record<List, Page | null>> | null };
type Variables = { userId?: string | number; first?: number | null; after?: string | null };

/** The operation of `schema/operations` selects `nodes`, which a cache does not join. */
const MUTUALS: TypedDocumentNode<Screen, Variables> = gql`
  query Mutuals($userId: ID!, $first: Int, $after: String) {
    user(id: $userId) {
      id
      mutuals(first: $first, after: $after) { edges { cursor node { id } } pageInfo { hasNextPage endCursor } }
    }
  }
`;

const SCREENS: Record<List, TypedDocumentNode<Screen, Variables>> = {
  fans: FansScreenDocument,
  follows: FollowsScreenDocument,
  mutuals: MUTUALS,
  knownFans: KnownFansDocument,
};

/** A list as it is in the cache, loaded page by page. */
export async function openScreen(star: Star, list: List, options: ApolloOptions = {}) {
  const { client, methods } = openApollo(star, { viewer: 'anna', ...options });
  const screen = client.watchQuery({ query: SCREENS[list], variables: { userId: 'star', first: 20 } });
  const watching = screen.subscribe({});
  onTestFinished(() => watching.unsubscribe());
  const loaded = () => firstValueFrom(screen.pipe(filter(({ loading }) => !loading)));
  await loaded();
  const page = (): Page => {
    const { user } = (screen.getCurrentResult().data ?? {}) as Partial<Screen>;
    const found = user?.[list];
    if (!found) throw new Error(`The cache has no ${list}.`);
    return found;
  };
  const loadAfter = async (after: string | null | undefined) => {
    await screen.fetchMore({ variables: { after } });
    await loaded();
  };
  return {
    methods,
    ids: () => page().edges.map(({ node }) => node.id),
    cursors: () => page().edges.map(({ cursor }) => cursor),
    hasNext: () => page().pageInfo.hasNextPage,
    loadNext: () => loadAfter(page().pageInfo.endCursor),
    loadAfter,
  };
}
