// Where the gateway's time goes under load, and what it holds afterwards, by package, by file and by function.
//
//   npm run profile [-- warm | trusted | miss | junk] [-- --first 100] [-- --seconds 20] [-- --top 25]
//
// Writes a .cpuprofile and a .heapprofile, which browsers' developer tools open, into a folder for temporary files.

import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Answer, postOf } from './measuring/connection.ts';
import { startGateway, startUpstream } from './measuring/gateway.ts';
import { junkWebhook, TAKES_WEBHOOKS } from './measuring/junk.ts';
import { type Candidate, leave, saturate, target } from './measuring/load.ts';
import { openMissHouse } from './measuring/miss-house.ts';
import { fileOf, findProfile, functionOf, heaviest, packageOf, weighCpu, weighHeap } from './measuring/profiles.ts';
import { type Name, openWarmHouse } from './measuring/warm-house.ts';

const CONNECTIONS = 16;
const USERS = 200;
const WARM_UP_MS = 3000;
const SAMPLING = ['--cpu-prof', '--cpu-prof-interval=250', '--heap-prof'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    first: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '10' },
    top: { type: 'string', default: '20' },
  },
});
const [what = 'warm'] = positionals;
const first = Number(values.first);
const folder = mkdtempSync(join(tmpdir(), 'follow-gateway-profile-'));
const nodeArguments = [...SAMPLING, `--cpu-prof-dir=${folder}`, `--heap-prof-dir=${folder}`];

const { candidate, close } = await open();
const to = target(candidate, CONNECTIONS);
await saturate(to, WARM_UP_MS);
const from = microsNow();
const { requests, cpuMicros } = await saturate(to, Number(values.seconds) * 1000);
const until = microsNow();
leave(to);
// It writes the profiles on its way out.
const ended = once(candidate.server.child, 'exit');
candidate.server.child.kill('SIGTERM');
await ended;
await close();

const cpu = findProfile(folder, '.cpuprofile');
const heap = findProfile(folder, '.heapprofile');
const weighed = weighCpu(cpu.text, { from, to: until });
process.stdout.write(
  `${what}${what === 'junk' ? '' : `, ${first} edges`}: ${requests} requests in ${values.seconds} s, ${cpuMicros.toFixed(0)} µs of CPU time each (sampling included)\n`,
);
for (const [title, nameOf] of [
  ['package', packageOf],
  ['file', fileOf],
  ['function', functionOf],
] as const)
  print(`Self time by ${title}, µs a request`, heaviest(weighed, nameOf), (micros) => (micros / requests).toFixed(2));
const kept = heaviest(weighHeap(heap.text), fileOf);
print('Still held at the end by file, kB', kept, (bytes) => (bytes / 1024).toFixed(0));
process.stdout.write(`\n${cpu.path}\n${heap.path}\n`);
process.exit();

/** The system's monotonic clock, on which V8 dates its samples. */
function microsNow(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

async function open(): Promise<{ candidate: Candidate; close(): Promise<void> }> {
  if (what === 'junk') {
    const upstream = await startUpstream();
    const server = await startGateway(upstream, TAKES_WEBHOOKS, { nodeArguments });
    const requestOf = (turn: number) => {
      const { path, body } = junkWebhook(`user_${turn % USERS}`, { sign: 'wrong' });
      return postOf(server.origin, path, body);
    };
    const candidate = { name: what, server, requestOf, isRight: ({ status }: Answer) => status === 403 };
    return { candidate, close: upstream.stop };
  }
  if (what === 'miss') {
    const house = await openMissHouse({ nodeArguments });
    const page = first > 20 ? '100 edges of a page of 100' : '20 edges of a page of 100';
    const [gateway] = await house.candidates(page);
    return { candidate: gateway as NonNullable<typeof gateway>, close: house.close };
  }
  const names: Record<string, Name> = { warm: 'gateway', trusted: 'gateway, trusted document' };
  const name = names[what];
  if (!name) throw new Error(`What is "${what}"? There are warm, trusted, miss and junk.`);
  const house = await openWarmHouse([name], { users: USERS, sizes: [first], nodeArguments });
  const [gateway] = house.candidates(first);
  return { candidate: gateway as NonNullable<typeof gateway>, close: house.close };
}

function print(title: string, sums: readonly [string, number][], format: (weight: number) => string): void {
  const total = sums.reduce((sum, [, weight]) => sum + weight, 0);
  const lines = sums.slice(0, Number(values.top)).map(([name, weight]) => {
    const share = ((weight / total) * 100).toFixed(1);
    return `${format(weight).padStart(9)}${share.padStart(7)} %  ${name}`;
  });
  process.stdout.write(`\n${title}\n${lines.join('\n')}\n`);
}
