// All that is asked of siblings, by sense; cursors are learnt from one of them, and are the same at all.
import { personId } from '../../src/sandbox/seed.ts';
import type { Ask } from './asks.ts';
import { bodyAsks } from './bodies-corpus.ts';
import { BROKEN_ASKS } from './broken-corpus.ts';
import { documentAsks } from './documents-corpus.ts';
import { headAsks } from './heads-corpus.ts';
import { getAsks, OPERATIONS, operationAsks } from './operations-corpus.ts';
import { randomAsks } from './random-corpus.ts';
import type { Siblings } from './siblings.ts';

const IDS = [personId(1), personId(2), personId(40), personId(299), 'UserID_001', 'hermit', 'nobody'];

export type Corpora = Record<
  'operations' | 'gets' | 'random' | 'deep' | 'changes' | 'entities' | 'documents' | 'bodies' | 'heads',
  Ask[]
>;

/** Makes them; one sibling is asked for cursors, so each of them is, lest one knows more than the others. */
export async function readCorpora({ all }: Siblings): Promise<Corpora> {
  // An operation that is trusted everywhere.
  const query = OPERATIONS.find(({ name }) => name === 'FansScreen')?.query ?? '';
  const cursors: string[] = [];
  for (const userId of IDS) {
    const [answer] = await Promise.all(all.map(({ house }) => house.query(query, { userId, first: 5 })));
    const user = answer?.data?.user as { fans: { edges: { cursor: string }[] } | null } | null | undefined;
    cursors.push(user?.fans?.edges.at(-1)?.cursor ?? 'made-up');
  }
  const cursorOf = (id: string) => cursors[IDS.indexOf(id)] ?? 'made-up';
  return {
    operations: operationAsks(cursors.slice(0, 3)),
    gets: getAsks(),
    random: randomAsks({ ids: IDS, cursorOf, kind: 'query', count: 250, depth: 1 }),
    deep: randomAsks({ ids: IDS, cursorOf, kind: 'query', count: 60, depth: 2 }),
    changes: randomAsks({ ids: [...IDS, personId(7), personId(8)], cursorOf, kind: 'mutation', count: 30, depth: 1 }),
    entities: randomAsks({ ids: IDS, cursorOf, kind: 'entities', count: 40, depth: 1 }),
    documents: documentAsks(),
    bodies: bodyAsks(),
    heads: [...headAsks(), ...BROKEN_ASKS],
  };
}
