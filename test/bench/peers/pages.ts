// The data of the warm screen's peers: the pages that the gateway answers, as plain objects that are shaped already.
import { SIZES, screenBody, WARM_USERS, warmUser } from '../measuring/screen.ts';

type PageInfo = { hasNextPage: boolean; endCursor: string | null };
export type Person = { id: string; nick?: string | null; avatar?: string | null };
export type Edge = { cursor: string; followedAt: string; node: Person };
export type Page = { edges: Edge[]; pageInfo: PageInfo };

type Answer = { data: { user: { fans: Page } } };

const answers = new Map<string, Answer>();
for (const first of SIZES)
  for (let n = 0; n < WARM_USERS; n++) {
    const response = await fetch(`${process.env.GATEWAY}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(screenBody(warmUser(n), first)),
    });
    answers.set(`${warmUser(n)} ${first}`, (await response.json()) as Answer);
  }

export const answerOf = (id: string, first: number) => answers.get(`${id} ${first}`);
export const pageOf = (id: string, first: number) => answerOf(id, first)?.data.user.fans ?? null;

/** For peers that take a schema as text. */
export const resolvers = {
  Query: { user: (_root: unknown, { id }: { id: string }) => ({ id }) },
  User: { fans: ({ id }: { id: string }, { first }: { first: number }) => pageOf(id, first) },
};
