// The screen from warm memory, executed (no request has the bytes of an earlier one) and asked again (the same bytes).
import { openPool, postOf } from '../measuring/connection.ts';
import { type Candidate, COMPARED, compare, inTurn, type Round, saturate } from '../measuring/load.ts';
import { type Section, table } from '../measuring/results.ts';
import { SIZES, screenBody, WARM_USERS, warmUser } from '../measuring/screen.ts';
import { FEATURES, type ServerProcess, startGateway, startServer, startUpstream, WARM } from '../measuring/servers.ts';

const BARE = 'bare node:http, stringifies';
const YOGA = 'Yoga + Pothos, default settings';
/** Lower quartiles: executed beside Yoga, asked again beside the bare server. */
const AIMS: Record<string, Record<number, string>> = {
  'gateway, executed': { 20: '≥ 1.2 × Yoga', 100: '≥ 1.3 × Yoga' },
  'gateway, asked again': { 20: '≥ 1.0 × bare', 100: '≥ 2.2 × bare' },
};

type Way = { server: ServerProcess; path?: string; differs?: boolean };

export async function warm(quick: boolean): Promise<Section> {
  const upstream = await startUpstream();
  const gateway = await startGateway(upstream, WARM);
  const peer = (name: string, env = {}) => startServer(`peers/${name}.ts`, { GATEWAY: gateway.origin, ...env });
  const bare = await peer('bare');
  const ways: Record<string, Way> = {
    'gateway, executed': { server: gateway, differs: true },
    'gateway, asked again': { server: gateway },
    [BARE]: { server: bare },
    'bare node:http, stored bytes': { server: bare, path: '/stored' },
    'mercurius with JIT': { server: await peer('mercurius'), differs: true },
    'mercurius with JIT and our features': { server: await peer('mercurius', { FEATURES: 'on' }), differs: true },
    [YOGA]: { server: await peer('yoga'), differs: true },
    'Apollo Server': { server: await peer('apollo'), differs: true },
  };
  const callsBefore = await upstream.totalCalls();
  const rounds = quick ? 5 : 15;
  const lines: string[] = [];
  for (const first of SIZES) {
    const candidates: Candidate[] = [];
    for (const [name, way] of Object.entries(ways)) candidates.push(await checked(name, way, first));
    const measure = saturate(quick ? 200 : 500);
    const measured = await inTurn(candidates, { rounds, warmUp: quick ? 3000 : 20_000, measure });
    const bases = [BARE, YOGA].map((name) => measured.get(name) as Round[]);
    const rows = Array.from(measured, ([name, its]) => [name, ...compare(its, ...bases), AIMS[name]?.[first] ?? '']);
    lines.push(`### ${first} edges`, '', ...table(['', ...COMPARED, 'bare = 1', 'Yoga = 1', 'aim'], rows), '');
  }
  if ((await upstream.totalCalls()) > callsBefore) throw new Error('The memory was not warm: the upstream was asked.');
  const how =
    `${WARM_USERS} users in turn over 16 connections, ${rounds} rounds of each server in turn. Ratios are of requests per ` +
    `CPU second of the server process, round by round, lower quartile. The gateway has ${FEATURES}.`;
  return { title: 'Warm screen', how, lines };
}

let requests = 0;

/** A candidate whose answers have been looked at. */
export async function checked(name: string, { server, path = '/graphql', differs = false }: Way, first: number) {
  const bytesOf = (turn: number, number?: number) => postOf(screenBody(warmUser(turn), first, number), path);
  const stored = Array.from({ length: WARM_USERS }, (_, turn) => bytesOf(turn));
  const pool = openPool(server.origin);
  const lengths: number[] = [];
  for (const request of stored) {
    const { status, body } = await pool.send(request);
    const { data } = JSON.parse(body.toString('utf8')) as { data?: { user: { fans: { edges: unknown[] } } } };
    if (status !== 200 || data?.user.fans.edges.length !== first) throw new Error(`${name} answers ${status} ${body}`);
    lengths.push(body.byteLength);
  }
  pool.close();
  const candidate: Candidate = {
    name,
    server,
    requestOf: (turn) => (differs ? bytesOf(turn, requests++) : (stored[turn % WARM_USERS] as Buffer)),
    isRight: ({ status, body }, turn) => status === 200 && body.byteLength === lengths[turn % WARM_USERS],
  };
  return candidate;
}
