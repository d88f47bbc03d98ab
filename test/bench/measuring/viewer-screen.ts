// The screen of somebody who is logged in: a page of fans, and how the viewer stands to each of them. It is asked of a
// gateway over its embedded sandbox, which takes a header for the login.
import { postOf } from './connection.ts';
import { GATEWAY, type ServerProcess, startServer } from './server-process.ts';

/** Pages and relations stay fresh for as long as anything is measured. */
const WARM = { LIST_FRESH_SECONDS: '3600', RELATION_FRESH_SECONDS: '3600', CACHE_MEMORY_MB: '256' };

const VIEWER = { 'x-viewer-id': 'user_00500' };
const VIEWER_STATE = 'viewerIsFollowing isFollowingViewer viewerCanFollow';

/** Starts a gateway that remembers all that it has read. */
export function startOverSandbox(settings: Readonly<Record<string, string>>): Promise<ServerProcess> {
  return startServer(GATEWAY, { env: { PORT: '0', ...WARM, ...settings } });
}

/** One of the sandbox's people, by number from 0 on. */
export const personOf = (number: number): string => `user_${String(number + 1).padStart(5, '0')}`;

/** The bytes of a request for somebody's fans, by the viewer or by nobody in particular. */
export function fansOf(origin: string, id: string, first: number, asker: 'viewer' | 'nobody'): Buffer {
  const more = asker === 'viewer' ? VIEWER_STATE : '';
  const query = `query Fans($id: ID!) {
    user(id: $id) { fans(first: ${first}) { edges { cursor followedAt node { id nick avatar ${more} } } pageInfo { hasNextPage endCursor } } }
  }`;
  return postOf(origin, '/graphql', { query, variables: { id } }, asker === 'viewer' ? VIEWER : {});
}
