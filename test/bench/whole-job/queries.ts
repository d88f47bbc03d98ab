// The queries of the mix as bytes, for one server: later pages need the cursors that this server gives out.
import { openPool, postOf } from '../measuring/connection.ts';
import { type ServerProcess, startUpstream, stopServers } from '../measuring/servers.ts';
import type { Query } from '../reference/mix.ts';
import { type ListName, userOf } from '../reference/world.ts';

const HEADER = 'query Header($id: ID!) { user(id: $id) { id nick avatar fansCount followsCount mutualsCount } }';
const listQuery = (list: ListName) =>
  `query ${list}($id: ID!, $after: String) { user(id: $id) { ${list}(first: 20, after: $after) { ` +
  'edges { cursor followedAt node { id nick avatar } } pageInfo { hasNextPage endCursor } } } }';
const LISTS = { fans: listQuery('fans'), follows: listQuery('follows'), mutuals: listQuery('mutuals') };
const AT_ONCE = 24;

/** Cursors at the end of pages of fans: by rank, then by page from 1. */
type Cursors = Map<number, string[]>;
/** Starts a server in front of an upstream that takes so many calls a second. */
export type Start = (upstream: ServerProcess, limitPerSecond: number) => Promise<ServerProcess>;

/** The bytes of a query. */
export function bytesOf(query: Query, cursors: Cursors): Buffer {
  const id = userOf(query.rank);
  if (query.screen === 'header') return postOf({ query: HEADER, variables: { id } });
  const after = query.page === 1 ? null : (cursors.get(query.rank)?.[query.page - 1] ?? null);
  return postOf({ query: LISTS[query.list], variables: { id, after } });
}

const learned = new Map<Start, Cursors>();

/** Walks the lists as far as the mix needs them, at a server that `start` starts, whose upstream has no limit. */
export async function learnCursors(start: Start, mix: Iterable<Query>): Promise<Cursors> {
  const cursors: Cursors = learned.get(start) ?? new Map();
  learned.set(start, cursors);
  const needed = new Map<number, number>();
  for (const query of mix)
    if (query.screen === 'list' && query.page > 1)
      needed.set(query.rank, Math.max(query.page - 1, needed.get(query.rank) ?? 0));
  const walks = needed.entries();
  const teacher = await start(await startUpstream(), 100_000);
  const pool = openPool(teacher.origin);
  const walkNext = async () => {
    for (const [rank, pages] of walks) {
      const known = cursors.get(rank) ?? [''];
      cursors.set(rank, known);
      while (known.length <= pages) {
        const query: Query = { at: 0, rank, screen: 'list', list: 'fans', page: known.length };
        const { body } = await pool.send(bytesOf(query, cursors));
        const [, cursor] = /"endCursor":"([^"]+)"/.exec(body.toString('utf8')) ?? [];
        if (!cursor) throw new Error(`No cursor behind page ${known.length} of ${userOf(rank)}: ${body}`);
        known.push(cursor);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, walkNext));
  pool.close();
  await stopServers();
  return cursors;
}

/** An answer without errors that has what was asked for. */
export function isRight({ screen }: Query, text: string): boolean {
  return !text.includes('"errors"') && text.includes(screen === 'header' ? '"fansCount":' : '"edges":[{');
}
