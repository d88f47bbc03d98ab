// The data of every peer: the pages that the gateway answered with, as plain objects that are shaped already.
import { readFileSync } from 'node:fs';
import type { AddressInfo, Server } from 'node:net';

export type Edge = { cursor: string; followedAt: string; node: { id: string; nick: string; avatar: string | null } };
export type FansPage = { edges: Edge[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };

/** What the gateway answers, and to what. */
export type Learnt = { id: string; first: number; answer: { data: { user: { fans: FansPage } } } };

export const keyOf = (id: string, first: number): string => `${id}/${first}`;

/** Reads what was learnt, one page a line, from the file that PAGES_FILE names. */
export function readLearnt(): Learnt[] {
  const lines = readFileSync(process.env.PAGES_FILE ?? '', 'utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as Learnt);
}

/** The pages by user and size: a peer's page cache, warm. */
export function readPages(): Map<string, FansPage> {
  return new Map(readLearnt().map(({ id, first, answer }) => [keyOf(id, first), answer.data.user.fans]));
}

/** Tells whoever measures where the server is. */
export function announce(server: Pick<Server, 'address'>): void {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`http://127.0.0.1:${port}/graphql\n`);
}
