// What documents and variables that are made to hurt cost: CPU of each refusal as a share of a normal query's that is
// answered from a warm cache, in one run; and the heap before and after a thousand of each.
//
//   node test/bench/attacks.ts
//
// Each document differs from the one before it, since the same one again is refused out of a cache.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';

const ROUNDS = 5;
const TIMES = 40;
const AT_ONCE = 8;

const many = (count: number, make: (n: number) => string) => Array.from({ length: count }, (_, n) => make(n)).join(' ');
const nest = (open: string, inside: string, close: string, times: number) =>
  `${open.repeat(times)}${inside}${close.repeat(times)}`;
const SCREEN =
  'query ($id: ID!) { user(id: $id) { fans(first: 20) { edges { cursor followedAt node { id nick avatar } } pageInfo { hasNextPage endCursor } } } }';
const BY_ID = 'query ($id: ID!) { user(id: $id) { id } }';
const SOMEBODY = '{"id":"user_00001"}';

/** What is sent: a document, and variables as JSON. */
const ATTACKS: Record<string, [query: string, variables?: string]> = {
  'deep, within the tokens': [`{ user(id: "a") { ${nest('fans { nodes { ', 'id', '} } ', 100)} } }`],
  'deep, 20,000 levels': [nest('{ a ', '', '}', 20_000)],
  'lists of lists': [`{ user(id: "a") { ${nest('fans(first: 100) { nodes { ', 'id', '} }', 6)} } }`],
  'circular fragments': [
    `{ user(id: "a") { ...A0 } } ${many(300, (n) => `fragment A${n} on User { ...A${(n + 1) % 300} }`)}`,
  ],
  'fragments that multiply': [
    `{ user(id: "a") { ...F0 } } ${many(6, (n) => `fragment F${n} on User { ${many(50, (k) => `a${n}_${k}: fans(first: ${k + 1}) { nodes { ...F${n + 1} } }`)} }`)} fragment F6 on User { id }`,
  ],
  'many fragments, each spread everywhere': [
    `{ user(id: "a") { ${many(90, (n) => `...A${n}`)} } } ${many(90, (n) => `fragment A${n} on User { ${many(20, (k) => `x${k}: nick`)} }`)}`,
  ],
  'fragments of fragments side by side': [
    `{ user(id: "a") { ...A0 } } ${many(40, (n) => `fragment A${n} on User { ${many(40 - n - 1, (k) => `...A${n + k + 1}`)} id }`)}`,
  ],
  '10,000 aliases': [`{ ${many(10_000, (n) => `a${n}:id`)} }`],
  '500 aliases that are allowed': [`{ user(id: "a") { ${many(501, (n) => `a${n}: fans { nodes { id } }`)} } }`],
  'one field 9,000 times': [`{ user(id: "a") { ${many(9000, () => 'id')} } }`],
  'one field 100 times, in 40 places': [
    `{ ${many(40, (n) => `u${n}: user(id: "a") { ${many(100, () => 'id')} x }`)} }`,
  ],
  directives: [`{ __typename ${many(3000, () => '@a')} }`],
  'a thousand unknown fields': [`{ ${many(1000, (n) => `f${n}`)} }`],
  'introspection that multiplies': [`{ __schema { types { ${nest('fields { type { ', 'name', '} }', 5)} } } }`],
  'introspection by 30 aliases': [
    `{ ${many(30, (n) => `s${n}: __schema { types { fields { type { fields { name } } args { name } } } }`)} }`,
  ],
  'a list of 20,000 ids': [`{ users(ids: [${many(20_000, () => '"a"')}]) { id } }`],
  '25,000 ids in a variable': [
    'query ($ids: [ID!]!) { users(ids: $ids) { id } }',
    `{"ids":["a"${',"a"'.repeat(24_000)}]}`,
  ],
  'variables 40,000 lists deep': [BY_ID, `{"id":${nest('[', '', ']', 40_000)}}`],
  'variables 15,000 objects deep': [BY_ID, `{"id":${nest('{"a":', '1', '}', 15_000)}}`],
  'a variable of 90 kB': [BY_ID, `{"id":"${'x'.repeat(90_000)}"}`],
};

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
type Started = { child: ChildProcess; pool: Pool; sandbox: string };
let number = 0;

/** Two of the same: what asks for the heap also collects it, which is no cost of a request. */
const forCpu = await startGateway('./report-cpu.ts');
const forHeap = await startGateway('./report-memory.ts');
const NORMAL = JSON.stringify({ query: SCREEN, variables: JSON.parse(SOMEBODY) });
const normal = () => NORMAL;
const senders = new Map<string, () => string>([['the normal query', normal]]);
for (const [name, [query, variables = '{}']] of Object.entries(ATTACKS)) {
  const text = JSON.stringify(query).slice(0, -1);
  senders.set(name, () => `{"query":${text} #${number++}","variables":${variables}}`);
}
const codes = new Map<string, string>();
for (const [name, make] of senders) codes.set(name, await sendMany(forCpu, make, TIMES));
const callsBefore = await upstreamCalls(forCpu);
const costs = new Map(Array.from(senders.keys(), (name) => [name, [] as number[]]));
for (let round = 0; round < ROUNDS; round++)
  for (const [name, make] of senders) {
    const before = await cpuMicros();
    await sendMany(forCpu, make, TIMES);
    costs.get(name)?.push(((await cpuMicros()) - before) / TIMES);
  }
const base = median(costs.get('the normal query') ?? []);
for (const [name, make] of senders) {
  await sendMany(forHeap, make, 300);
  const before = await heapBytes();
  await sendMany(forHeap, make, 1000);
  const grown = ((await heapBytes()) - before) / 1024;
  const micros = median(costs.get(name) ?? []);
  console.info(
    `${name.padEnd(40)}${micros.toFixed(0).padStart(7)} µs${((micros / base) * 100).toFixed(0).padStart(6)} %${grown.toFixed(0).padStart(8)} kB after 1000  ${codes.get(name)}`,
  );
}
console.info(`upstream calls: ${(await upstreamCalls(forCpu)) - callsBefore}`);
for (const { child, pool } of [forCpu, forHeap]) {
  await pool.destroy();
  child.kill('SIGKILL');
}

/** Sends as often; answers with the status and the code that came each time. */
async function sendMany({ pool }: Started, make: () => string, times: number): Promise<string> {
  const outcomes = new Set<string>();
  let sent = 0;
  const headers = { 'content-type': 'application/json', accept: 'application/graphql-response+json' };
  const sender = async () => {
    while (sent++ < times) {
      const response = await pool.request({ method: 'POST', path: '/graphql', headers, body: make() });
      const text = await response.body.text();
      outcomes.add(`${response.statusCode} ${/"code":"(\w+)"/.exec(text)?.[1] ?? 'data'}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
  return [...outcomes].join(', ');
}

function startGateway(preload: string): Promise<Started> {
  const args = ['--expose-gc', '--import', here(preload), here('../../src/main.ts')];
  const env = { PATH: process.env.PATH, PORT: '0', LIST_FRESH_SECONDS: '3600' };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  let said = '';
  return new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error(`The gateway ended:\n${said}`)));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < 4096) said += text;
      const [, origin] = /(http:\S+:\d+)\/graphql/.exec(said) ?? [];
      const [, sandbox] = /SANDBOX at (http:[\w./:]+\d)/.exec(said) ?? [];
      if (origin && sandbox) resolve({ child, pool: new Pool(origin, { connections: AT_ONCE }), sandbox });
    });
  });
}

async function cpuMicros(): Promise<number> {
  forCpu.child.send('cpu');
  const [{ user, system }] = (await once(forCpu.child, 'message')) as [NodeJS.CpuUsage];
  return user + system;
}

async function heapBytes(): Promise<number> {
  forHeap.child.send('memory');
  const [{ heapUsed, external }] = (await once(forHeap.child, 'message')) as [NodeJS.MemoryUsage];
  return heapUsed + external;
}

async function upstreamCalls({ sandbox }: Started): Promise<number> {
  const { commands } = (await (await fetch(`${sandbox}/sandbox/calls`)).json()) as {
    commands: Record<string, { received: number }>;
  };
  return Object.values(commands).reduce((sum, { received }) => sum + received, 0);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
