// The screen that is measured: a page of fans with names and avatars, for one user after another.
import type { Learnt } from '../peers/pages.ts';
import { type Connection, openConnection, postOf } from './connection.ts';

export const OPERATION = 'Fans';

export const QUERY = `query ${OPERATION}($id: ID!, $first: Int!) {
  user(id: $id) {
    fans(first: $first) {
      edges { cursor followedAt node { id nick avatar } }
      pageInfo { hasNextPage endCursor }
    }
  }
}`;

/** What a request says beside its variables: the text, or the id of a trusted document. */
export type Document = { query: string } | { documentId: string };

export type Variables = { id: string; first: number };

export const manyOf = (number: number): string => `many_${String(number).padStart(7, '0')}`;
export const fewOf = (number: number): string => `few_${String(number).padStart(7, '0')}`;

/** The bytes of a request for the screen by its text. */
export function requestOf(origin: string, variables: Variables): Buffer {
  return postOf(origin, '/graphql', { query: QUERY, variables });
}

/** Asks the gateway for pages of this many users, once for each size: afterwards they are in its cache. */
export async function learn(origin: string, users: number, sizes: readonly number[]): Promise<Learnt[]> {
  const connection = openConnection(origin);
  const learnt: Learnt[] = [];
  for (const first of sizes)
    for (let number = 0; number < users; number++)
      learnt.push(await learnOne(connection, origin, manyOf(number), first));
  connection.close();
  return learnt;
}

async function learnOne(connection: Connection, origin: string, id: string, first: number): Promise<Learnt> {
  const { status, body } = await connection.send(requestOf(origin, { id, first }));
  const text = body.toString('utf8');
  if (status !== 200) throw new Error(`The gateway answered ${status}: ${text}`);
  const answer = JSON.parse(text) as Learnt['answer'] & { errors?: unknown };
  if (answer.errors) throw new Error(`The gateway failed: ${text}`);
  const { edges, pageInfo } = answer.data.user.fans;
  if (edges.length !== first) throw new Error(`${edges.length} fans in place of ${first}: ${text}`);
  if (!edges.every(({ node }) => typeof node.nick === 'string')) throw new Error(`A fan has no name: ${text}`);
  if (pageInfo.endCursor !== edges.at(-1)?.cursor) throw new Error(`The end cursor is not the last one: ${text}`);
  if (JSON.stringify(answer) !== text) throw new Error(`Not as JSON.stringify writes it: ${text}`);
  return { id, first, answer };
}
