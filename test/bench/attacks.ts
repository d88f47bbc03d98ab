// What documents and variables that are made to hurt cost: CPU of each refusal as a share of a normal query's that is
// answered from a warm cache, in one run; and what is held before and after a thousand of each.
//
//   node test/bench/attacks.ts
//
// Each document differs from the one before it, since the same one again is refused out of a cache.
import { Pool } from 'undici';
import { ATTACKS } from '../limits/attack-set.ts';
import { heldKilobytes, startBoth, upstreamCalls } from './measured-gateway.ts';
import type { ServerProcess } from './measuring/server-process.ts';
import { median } from './measuring/statistics.ts';

const ROUNDS = 5;
const TIMES = 40;
const AT_ONCE = 8;
/** As many as fill the caches of documents and refusals, which are no leak. */
const WARM_UP = 1000;

const SCREEN =
  'query ($id: ID!) { user(id: $id) { fans(first: 20) { edges { cursor followedAt node { id nick avatar } } pageInfo { hasNextPage endCursor } } } }';

const { forCpu, forHeap } = await startBoth();
const pools = new Map([forCpu, forHeap].map((to) => [to, new Pool(to.origin, { connections: AT_ONCE })]));
let number = 0;

const NORMAL = JSON.stringify({ query: SCREEN, variables: { id: 'user_00001' } });
const senders = new Map<string, () => string>([['the normal query', () => NORMAL]]);
for (const [name, [query, variables = '{}']] of Object.entries(ATTACKS)) {
  const text = JSON.stringify(query).slice(0, -1);
  senders.set(name, () => `{"query":${text} #${number++}","variables":${variables}}`);
}
const codes = new Map<string, string>();
for (const [name, make] of senders) codes.set(name, await sendMany(forCpu, make, 2 * TIMES));
const callsBefore = await upstreamCalls(forCpu);
const costs = new Map(Array.from(senders.keys(), (name) => [name, [] as number[]]));
for (let round = 0; round < ROUNDS; round++)
  for (const [name, make] of senders) {
    const before = await forCpu.cpuMicros();
    await sendMany(forCpu, make, TIMES);
    costs.get(name)?.push(((await forCpu.cpuMicros()) - before) / TIMES);
  }
const base = median(costs.get('the normal query') ?? []);
console.info(`${''.padEnd(40)}${'µs'.padStart(7)}${'%'.padStart(6)}${'kB before'.padStart(11)}${'after'.padStart(8)}`);
for (const [name, make] of senders) {
  await sendMany(forHeap, make, WARM_UP);
  const before = await heldKilobytes(forHeap);
  await sendMany(forHeap, make, 1000);
  const after = await heldKilobytes(forHeap);
  const micros = median(costs.get(name) ?? []);
  const share = ((micros / base) * 100).toFixed(0);
  console.info(
    `${name.padEnd(40)}${micros.toFixed(0).padStart(7)}${share.padStart(6)}${String(before).padStart(11)}${String(after).padStart(8)}  ${codes.get(name)}`,
  );
}
console.info(`upstream calls: ${(await upstreamCalls(forCpu)) - callsBefore}`);
process.exit();

/** Sends as often; answers with the status and the code that came each time. */
async function sendMany(to: ServerProcess, make: () => string, times: number): Promise<string> {
  const outcomes = new Set<string>();
  let sent = 0;
  const headers = { 'content-type': 'application/json', accept: 'application/graphql-response+json' };
  const sender = async () => {
    while (sent++ < times) {
      const request = { method: 'POST', path: '/graphql', headers, body: make() } as const;
      const response = await (pools.get(to) as Pool).request(request);
      const text = await response.body.text();
      outcomes.add(`${response.statusCode} ${/"code":"(\w+)"/.exec(text)?.[1] ?? 'data'}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
  return [...outcomes].join(', ');
}
