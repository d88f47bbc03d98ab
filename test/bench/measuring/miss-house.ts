// A gateway that is asked for users whom nobody has asked for yet, and a bare proxy in front of the same upstream.
import type { Learnt } from '../peers/pages.ts';
import { openConnection, postOf } from './connection.ts';
import { callsOf, startGateway, startUpstream } from './gateway.ts';
import type { Candidate } from './load.ts';
import { fewOf, manyOf, QUERY } from './screen.ts';
import { type ServerProcess, startServer } from './server-process.ts';

/** What is asked for: pages that hold what is wanted and no more, or pages of which a part is wanted. */
export const PAGES = {
  '20 edges of a page of 20': { idOf: fewOf, first: 20 },
  '20 edges of a page of 100': { idOf: manyOf, first: 20 },
  '100 edges of a page of 100': { idOf: manyOf, first: 100 },
} as const;

export type PageName = keyof typeof PAGES;

const PROXY = new URL('../peers/proxy.ts', import.meta.url);

/** So many pages the upstream has. */
const VARIANTS = 100;
/** More than a candidate is asked in all rounds; a multiple of the variants, so that a turn tells which page comes. */
const USERS_EACH = 10_000 * VARIANTS;

export type MissHouse = {
  /** The gateway, the proxy, and the proxy that asks by `Pool.dispatch`; they have answered alike but for cursors. */
  candidates(page: PageName): Promise<Candidate[]>;
  /** Throws unless every request has made one call: otherwise something else was measured. */
  assertMissed(): Promise<void>;
  close(): Promise<void>;
};

type Options = { latencyMs?: number; nodeArguments?: readonly string[] };

/** Starts both in front of an upstream of this latency; the arguments are those of the gateway's Node. */
export async function openMissHouse({ latencyMs = 0, nodeArguments = [] }: Options = {}): Promise<MissHouse> {
  const upstream = await startUpstream(latencyMs);
  const [gateway, proxy] = await Promise.all([
    startGateway(upstream, {}, { nodeArguments }),
    startServer(PROXY, { env: { UPSTREAM: upstream.origin } }),
  ]);
  let users = 0;
  let requests = 0;

  async function join(name: string, server: ServerProcess, path: string, page: PageName) {
    const { idOf, first } = PAGES[page];
    const from = users;
    users += USERS_EACH;
    const requestOf = (turn: number) => {
      requests++;
      return postOf(server.origin, path, { query: QUERY, variables: { id: idOf(from + turn), first } });
    };
    const connection = openConnection(server.origin);
    const shown: string[] = [];
    const lengths: number[] = [];
    for (let variant = 0; variant < VARIANTS; variant++) {
      const { status, body } = await connection.send(requestOf(variant));
      if (status !== 200) throw new Error(`${name} answered ${status}: ${body}`);
      shown.push(withoutCursors(body.toString('utf8')));
      lengths.push(body.byteLength);
    }
    connection.close();
    const candidate: Candidate = {
      name,
      server,
      requestOf: (turn) => requestOf(turn + VARIANTS),
      isRight: ({ status, body }, turn) => status === 200 && body.byteLength === lengths[turn % VARIANTS],
    };
    return { candidate, shown };
  }

  return {
    async candidates(page) {
      const joined = [
        await join('gateway', gateway, '/graphql', page),
        await join('bare proxy', proxy, '/graphql', page),
        await join('bare proxy, Pool.dispatch', proxy, '/dispatch', page),
      ];
      for (const { candidate, shown } of joined)
        for (const [variant, answer] of shown.entries())
          if (answer !== joined[0]?.shown[variant])
            throw new Error(`${candidate.name} answers otherwise:\n${answer}\n${joined[0]?.shown[variant]}`);
      return joined.map(({ candidate }) => candidate);
    },
    async assertMissed() {
      const calls = await callsOf(upstream);
      if (calls !== requests) throw new Error(`${requests} requests made ${calls} upstream calls.`);
    },
    async close() {
      await Promise.all([gateway, proxy, upstream].map((server) => server.stop()));
    },
  };
}

/** Cursors are each server's own; that there is one must show. */
function withoutCursors(text: string): string {
  const { data } = JSON.parse(text) as Learnt['answer'];
  for (const edge of data.user.fans.edges) edge.cursor = edge.cursor ? 'a cursor' : '';
  data.user.fans.pageInfo.endCursor &&= 'a cursor';
  return JSON.stringify({ data });
}
