// What a delivered member costs by the size of the upstream pages that client pages of 20 are cut from (CHUNK_SIZE).
//
//   node_modules/.bin/node test/bench/pages.ts
//
// Visitors open a list of fans and go on to the next page half of the time. Three mixes: in one every list is opened once,
// so that each visit asks the upstream; in another, lists are opened by the fame of their owners and stay remembered; in
// the third, lists that fill large pages are asked for anew each time.
// One gateway for each size, the sandbox in a process of its own; short rounds alternate between them. What counts is the
// gateway's CPU time by the member, and how many upstream calls and members it takes.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRandom } from '../../src/sandbox/people.ts';
import { median, startGateway, startSandbox } from './loop-delay.ts';

type Candidate = { size: number; child: ChildProcess; url: string; rounds: Round[] };
type Round = { cpuMicros: number; members: number; calls: number };
type Fans = { edges: unknown[]; pageInfo: { hasNextPage: boolean; endCursor: string } };

const SIZES = [50, 100, 200, 500];
const DEFAULT_SIZE = 100;
/** The most famous people of the sandbox: all of them have a page of fans and more. */
const PEOPLE = 360;
const ROUNDS = 9;
const VISITS = PEOPLE / ROUNDS;
const VISITS_BY_FAME = 400;
/** So many people have at least so many fans. */
const PEOPLE_WITH_LONG_LISTS = 21;
const LONG = 200;
const GOES_ON = 0.5;
const QUERY = `query Fans($id: ID!, $after: String) {
  user(id: $id) {
    fans(first: 20, after: $after) {
      edges { cursor followedAt node { id nick avatar } }
      pageInfo { hasNextPage endCursor }
    }
  }
}`;

const personId = (number: number) => `user_${String(number).padStart(5, '0')}`;

const sandbox = await startSandbox();
const lines = [`Pages of 20 members, Node ${process.version}: median of ${ROUNDS} rounds`];
const remembering = await startAll({ LIST_FRESH_SECONDS: '3600' });
await measure('every list opened once', remembering, (round) =>
  Array.from({ length: VISITS }, (_, n) => personId(1 + round + n * ROUNDS)),
);
await measure('lists opened by fame, all remembered', remembering, (round) =>
  Array.from({ length: VISITS_BY_FAME }, (_, n) => personId(Math.floor(PEOPLE ** chance(round * VISITS_BY_FAME + n)))),
);
const forgetful = await startAll({ LIST_FRESH_SECONDS: '1', LIST_STALE_SECONDS: '1' });
await measure(`lists of ${LONG} to 2,345 members, none remembered`, forgetful, async () => {
  await new Promise((resolve) => setTimeout(resolve, 1100));
  return Array.from({ length: PEOPLE_WITH_LONG_LISTS }, (_, n) => personId(1 + n));
});
process.stdout.write(`${lines.join('\n')}\n`);
process.exit();

/** Starts a gateway for each size, and has them answer until their code is compiled: other lists than those that count. */
async function startAll(settings: Record<string, string>): Promise<Candidate[]> {
  const candidates: Candidate[] = [];
  for (const size of SIZES) {
    const gateway = await startGateway({ ...sandbox, ...settings, CHUNK_SIZE: String(size) });
    candidates.push({ size, ...gateway, rounds: [] });
  }
  for (const candidate of candidates) {
    for (let number = PEOPLE + 1; number <= 2 * PEOPLE; number++) await visit(candidate, personId(number), number);
  }
  return candidates;
}

/** Every candidate makes the same visits, round by round. */
async function measure(
  title: string,
  candidates: readonly Candidate[],
  visitsOf: (round: number) => string[] | Promise<string[]>,
): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    for (const candidate of candidates) candidate.rounds[round] = await run(candidate, await visitsOf(round));
  }
  const [standard] = candidates.filter(({ size }) => size === DEFAULT_SIZE);
  lines.push('', `${title.padEnd(47)}CPU µs/member  of ${DEFAULT_SIZE}  calls/1000 members`);
  for (const { size, rounds } of candidates) {
    const micros = (round: Round) => round.cpuMicros / round.members;
    const share = rounds.map((round, index) => micros(round) / micros(standard?.rounds[index] ?? round));
    const calls = (1000 * total(rounds, 'calls')) / total(rounds, 'members');
    lines.push(
      `  CHUNK_SIZE=${String(size).padEnd(34)}${median(rounds.map(micros)).toFixed(1).padStart(13)}` +
        `${median(share).toFixed(2).padStart(8)}${calls.toFixed(1).padStart(20)}`,
    );
  }
}

function total(rounds: readonly Round[], figure: keyof Round): number {
  return rounds.reduce((sum, round) => sum + round[figure], 0);
}

async function run(candidate: Candidate, visits: readonly string[]): Promise<Round> {
  const [cpuBefore, before] = [await cpuMicros(candidate), await listCalls()];
  let members = 0;
  for (const [n, id] of visits.entries()) members += await visit(candidate, id, n);
  const [cpu, after] = [await cpuMicros(candidate), await listCalls()];
  return { cpuMicros: cpu - cpuBefore, members, calls: after - before };
}

/** Reads a list page by page, as far as this visitor goes; answers how many members were delivered. */
async function visit({ url }: Candidate, id: string, visitor: number): Promise<number> {
  let members = 0;
  let after: string | null = null;
  for (let page = 1; ; page++) {
    const headers = { 'content-type': 'application/json' };
    const body: string = JSON.stringify({ query: QUERY, variables: { id, after } });
    const response: Response = await fetch(url, { method: 'POST', headers, body });
    const { edges, pageInfo }: Fans = (await response.json()).data.user.fans;
    members += edges.length;
    if (!pageInfo.hasNextPage || chance(visitor * 100 + page) >= GOES_ON) return members;
    after = pageInfo.endCursor;
  }
}

async function cpuMicros({ child }: Candidate): Promise<number> {
  child.send('cpu');
  const [{ user, system }] = (await once(child, 'message')) as [NodeJS.CpuUsage];
  return user + system;
}

async function listCalls(): Promise<number> {
  const answer = await (await fetch(`${sandbox.TENCENT_BASE_URL}/sandbox/calls`)).json();
  return (answer as { commands: { follow_get?: { received: number } } }).commands.follow_get?.received ?? 0;
}

/** From 0 to 1, the same for the same number. */
function chance(number: number): number {
  return createRandom(number)();
}
