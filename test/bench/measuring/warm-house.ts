// A gateway whose pages are all in its cache, its variants, and its peers with the same pages: started, taught, checked.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedisProcess } from '../../support/redis-process.ts';
import type { Learnt } from '../peers/pages.ts';
import { openConnection, postOf } from './connection.ts';
import { callsOf, startGateway, startUpstream, WARM } from './gateway.ts';
import type { Candidate } from './load.ts';
import { type Document, learn, OPERATION, QUERY } from './screen.ts';
import { type ServerProcess, startServer } from './server-process.ts';

/** Everybody who answers the screen. */
export const EVERYBODY = [
  'gateway',
  'gateway with Redis',
  'gateway, trusted document',
  'bare node:http',
  'bare node:http, stored bytes',
  'mercurius with JIT',
  'Yoga + Pothos',
  'Apollo Server',
] as const;

export type Name = (typeof EVERYBODY)[number];

export type WarmHouse = {
  /** Those who take part, asked for pages of this size; all have answered every user rightly once. */
  candidates(first: number): Candidate[];
  /** Throws when the upstream was asked since the house was warm: then something else was measured. */
  assertWarm(): Promise<void>;
  close(): Promise<void>;
};

const BARE = new URL('../peers/bare.ts', import.meta.url);
const MERCURIUS = new URL('../peers/mercurius.ts', import.meta.url);
const YOGA = new URL('../peers/yoga.ts', import.meta.url);
const APOLLO = new URL('../peers/apollo.ts', import.meta.url);

const DOCUMENT_ID = createHash('sha256').update(QUERY).digest('hex');
const TEXT: Document = { query: QUERY };

type Options = {
  users: number;
  sizes: readonly number[];
  /** For the gateways' Node. */
  nodeArguments?: readonly string[];
};

/** Starts those who are named, and fills their caches with pages of `users` users in each of `sizes`. */
export async function openWarmHouse(
  names: readonly Name[],
  { users, sizes, nodeArguments = [] }: Options,
): Promise<WarmHouse> {
  const folder = mkdtempSync(join(tmpdir(), 'follow-gateway-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'documents.json'), JSON.stringify({ [DOCUMENT_ID]: QUERY }));
  const [upstream, redis] = await Promise.all([startUpstream(), startRedisProcess()]);
  const gatewayWith = (settings: Readonly<Record<string, string>>) =>
    startGateway(upstream, { ...WARM, ...settings }, { nodeArguments });
  const gateway = await gatewayWith({});
  const learnt = await learn(gateway.origin, users, sizes);
  const file = join(folder, 'pages.jsonl');
  writeFileSync(file, learnt.map((page) => JSON.stringify(page)).join('\n'));

  const peer = (script: URL) => startServer(script, { env: { PAGES_FILE: file, NODE_ENV: 'production' } });
  const trust = {
    TRUSTED_DOCUMENTS: 'strict',
    TRUSTED_DOCUMENTS_PATH: join(folder, 'documents.json'),
    // Its answers to nobody in particular may be kept whole.
    PUBLIC_OPERATIONS: OPERATION,
  };
  const makers: Record<Name, () => Promise<ServerProcess>> = {
    gateway: async () => gateway,
    'gateway with Redis': () => gatewayWith({ REDIS_URL: redis.url }),
    'gateway, trusted document': () => gatewayWith(trust),
    'bare node:http': () => peer(BARE),
    'bare node:http, stored bytes': () => peer(BARE),
    'mercurius with JIT': () => peer(MERCURIUS),
    'Yoga + Pothos': () => peer(YOGA),
    'Apollo Server': () => peer(APOLLO),
  };
  const servers = await Promise.all(names.map(async (name) => [name, await makers[name]()] as const));

  const checked = new Map(sizes.map((first) => [first, [] as Candidate[]]));
  for (const [first, candidates] of checked) {
    const pages = learnt.filter((page) => page.first === first);
    for (const [name, server] of servers) candidates.push(await checkedCandidate(name, server, pages));
  }
  const callsBefore = await callsOf(upstream);

  return {
    candidates: (first) => checked.get(first) ?? [],
    async assertWarm() {
      const calls = (await callsOf(upstream)) - callsBefore;
      if (calls > 0) throw new Error(`The cache was not warm: the upstream was asked ${calls} times.`);
    },
    async close() {
      await Promise.all([gateway, upstream, ...servers.map(([, server]) => server)].map((server) => server.stop()));
      await redis.close();
    },
  };
}

/** Asks for every page once, and holds the answers against those of the gateway. */
async function checkedCandidate(name: Name, server: ServerProcess, pages: readonly Learnt[]): Promise<Candidate> {
  const path = name === 'bare node:http, stored bytes' ? '/stored' : '/graphql';
  const document = name === 'gateway, trusted document' ? { documentId: DOCUMENT_ID } : TEXT;
  const requests = pages.map(({ id, first }) => postOf(server.origin, path, { ...document, variables: { id, first } }));
  const connection = openConnection(server.origin);
  const lengths: number[] = [];
  for (const [index, { id, answer }] of pages.entries()) {
    const { status, body } = await connection.send(requests[index] as Buffer);
    const text = body.toString('utf8');
    const expected = JSON.stringify(answer);
    // Apollo Server ends with a new line.
    if (status !== 200 || text.trimEnd() !== expected)
      throw new Error(`${name} answers wrongly for ${id}: ${status} ${text}\nin place of\n${expected}`);
    lengths.push(body.byteLength);
  }
  connection.close();
  return {
    name,
    server,
    requestOf: (turn) => requests[turn % requests.length] as Buffer,
    isRight: ({ status, body }, turn) => status === 200 && body.byteLength === lengths[turn % lengths.length],
  };
}
