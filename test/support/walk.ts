// Pages through a list as a frontend does: by pageInfo alone.
import type { FollowList } from '../../src/follow/model.ts';
import type { TestGateway } from './gateway.ts';

export type Edge = { cursor: string; followedAt: string; node: { id: string } };
export type Connection = {
  edges: Edge[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
};

export async function readPage(
  gateway: TestGateway,
  userId: string,
  list: FollowList,
  first: number,
  after: string | null,
): Promise<Connection> {
  const { user } = await gateway.data<{ user: { list: Connection } }>(
    `query ($userId: ID!, $first: Int, $after: String) {
      user(id: $userId) {
        list: ${list}(first: $first, after: $after) {
          edges { cursor followedAt node { id } }
          pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        }
      }
    }`,
    { userId, first, after },
  );
  return user.list;
}

/** All pages of a list, in order. */
export async function walkList(
  gateway: TestGateway,
  userId: string,
  list: FollowList,
  first: number,
): Promise<Connection[]> {
  const pages: Connection[] = [];
  for (let after: string | null = null; ; ) {
    const page = await readPage(gateway, userId, list, first, after);
    pages.push(page);
    if (!page.pageInfo.hasNextPage || page.pageInfo.endCursor === null) return pages;
    after = page.pageInfo.endCursor;
  }
}

export const idsOf = (...pages: Pick<Connection, 'edges'>[]): string[] =>
  pages.flatMap(({ edges }) => edges.map(({ node }) => node.id));

/** Resumes after each cursor with a page of one, many in one request; answers who came next. */
export async function resumeAfterEach(
  gateway: TestGateway,
  userId: string,
  list: FollowList,
  cursors: readonly string[],
): Promise<(string | null)[]> {
  const next: (string | null)[] = [];
  for (let at = 0; at < cursors.length; at += 100) {
    const some = cursors.slice(at, at + 100);
    const fields = some.map((cursor, i) => `c${i}: ${list}(first: 1, after: "${cursor}") { nodes { id } }`);
    const { user } = await gateway.data<{ user: Record<string, { nodes: { id: string }[] }> }>(
      `{ user(id: "${userId}") { ${fields.join('\n')} } }`,
    );
    next.push(...some.map((_, i) => user[`c${i}`]?.nodes[0]?.id ?? null));
  }
  return next;
}
