// The screen of most benches: a page of fans with names and avatars.
import { userOf } from '../reference/world.ts';

export const SCREEN = `query Fans($id: ID!, $first: Int!) {
  user(id: $id) {
    fans(first: $first) {
      edges { cursor followedAt node { id nick avatar } }
      pageInfo { hasNextPage endCursor }
    }
  }
}`;

/** Users whose pages lie in every server's memory, and how large the pages are. */
export const WARM_USERS = 60;
export const SIZES = [20, 100] as const;
/** The first one of them: nobody below has as few fans as these, and all have as many. */
const FIRST_WARM_USER = 1_000_000;

export const warmUser = (turn: number): string => userOf(FIRST_WARM_USER + (turn % WARM_USERS));

/** The body of a request for the screen; `differs` makes it another one for a cache that compares bytes. */
export function screenBody(id: string, first: number, differs?: number): object {
  const body = { query: SCREEN, variables: { id, first } };
  return differs === undefined ? body : { ...body, extensions: { differs } };
}
