// The queries of the mix as bytes, for one server: later pages need the cursors that this server gives out.
import { openConnection, postOf } from '../measuring/connection.ts';
import type { Query } from '../reference/mix.ts';
import { type ListName, userOf } from '../reference/world.ts';

const HEADER = 'query Header($id: ID!) { user(id: $id) { id nick avatar fansCount followsCount mutualsCount } }';
const listQuery = (list: ListName) =>
  `query ${list}($id: ID!, $after: String) { user(id: $id) { ${list}(first: 20, after: $after) { ` +
  'edges { cursor followedAt node { id nick avatar } } pageInfo { hasNextPage endCursor } } } }';
const LISTS = { fans: listQuery('fans'), follows: listQuery('follows'), mutuals: listQuery('mutuals') };
const AT_ONCE = 24;

/** Cursors at the end of pages of fans: by rank, then by page from 1. */
export type Cursors = Map<number, string[]>;

/** The bytes of a query. */
export function bytesOf(origin: string, query: Query, cursors: Cursors): Buffer {
  const id = userOf(query.rank);
  if (query.screen === 'header') return postOf(origin, '/graphql', { query: HEADER, variables: { id } });
  const after = query.page === 1 ? null : (cursors.get(query.rank)?.[query.page - 1] ?? null);
  return postOf(origin, '/graphql', { query: LISTS[query.list], variables: { id, after } });
}

/** Walks the lists as far as the mix needs them; `origin` is a server whose upstream has no limit. */
export async function learnCursors(origin: string, mix: Iterable<Query>, cursors: Cursors): Promise<void> {
  const needed = new Map<number, number>();
  for (const query of mix)
    if (query.screen === 'list' && query.page > 1)
      needed.set(query.rank, Math.max(query.page - 1, needed.get(query.rank) ?? 0));
  const waiting = [...needed].filter(([rank, pages]) => (cursors.get(rank)?.length ?? 1) <= pages);
  const walk = async () => {
    const connection = openConnection(origin);
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const [rank, pages] = next;
      const known = cursors.get(rank) ?? [''];
      cursors.set(rank, known);
      while (known.length <= pages) {
        const query: Query = { at: 0, rank, screen: 'list', list: 'fans', page: known.length };
        const { body } = await connection.send(bytesOf(origin, query, cursors));
        const [, cursor] = /"endCursor":"([^"]+)"/.exec(body.toString('utf8')) ?? [];
        if (!cursor) throw new Error(`No cursor behind page ${known.length} of ${userOf(rank)}: ${body}`);
        known.push(cursor);
      }
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, walk));
}

/** An answer without errors that has what was asked for. */
export function isRight({ screen }: Query, text: string): boolean {
  return !text.includes('"errors"') && text.includes(screen === 'header' ? '"fansCount":' : '"edges":[{');
}
