// What a junk webhook costs beside warm queries: refused by its address alone, it must take less than a quarter of the CPU
// time of a screen with viewer state. The plain list is shown as well: it is kept as bytes, and takes little more than
// what any request costs to be read and answered.
//
//   node test/bench/webhook.ts
//
// One gateway, as a process of its own, and a socket that refuses whatever comes; short rounds alternate, so that whatever
// else this machine does hits all alike.
import { cpus } from 'node:os';
import { type Answer, postOf } from './measuring/connection.ts';
import { type Junk, junkWebhook, TAKES_WEBHOOKS, WEBHOOK_PATH } from './measuring/junk.ts';
import { type Candidate, inTurn, leave, type Round, saturate, target } from './measuring/load.ts';
import { type ServerProcess, startServer } from './measuring/server-process.ts';
import { median } from './measuring/statistics.ts';
import { fansOf, personOf, startOverSandbox } from './measuring/viewer-screen.ts';

const CONNECTIONS = 16;
const USERS = 100;
const ROUNDS = 11;
const ROUND_MS = 500;
/** Long enough for everything to be remembered, and compiled. */
const WARM_UP = 5000;
/** Of the screen of 20 with viewer state: what an app shows. */
const MOST_SHARE = 0.25;

const gateway = await startOverSandbox(TAKES_WEBHOOKS);
const socket = await startServer(new URL('./peers/bare-socket.ts', import.meta.url));
const idOf = (turn: number) => personOf(turn % USERS);
const STATED = 'warm, 20 fans, viewer state';

function warm(name: string, first: number, asker: 'viewer' | 'nobody'): Candidate {
  return {
    name,
    server: gateway,
    requestOf: (turn) => fansOf(gateway.origin, idOf(turn), first, asker),
    isRight: ({ status, body }) => status === 200 && !body.includes('"errors"'),
  };
}

function junk(name: string, kind: Junk, server: ServerProcess = gateway): Candidate {
  return {
    name,
    server,
    requestOf(turn) {
      const { path, body } = junkWebhook(idOf(turn), kind);
      return postOf(server.origin, path, body);
    },
    isRight: ({ status }) => status === 403,
  };
}

const queries = [
  warm('warm, 100 fans, viewer state', 100, 'viewer'),
  warm(STATED, 20, 'viewer'),
  warm('warm, 20 fans', 20, 'nobody'),
];
const refused = [junk('wrong Sign', { sign: 'wrong' }), junk('no Sign', { sign: 'none' })];
// A long body has to be received, whoever refuses it; and whoever does not post is no webhook, but Node's to answer.
const LONG: Junk = { sign: 'wrong', padding: 32e3 };
const shown = [
  junk('wrong Sign, body of 32 KB', LONG),
  {
    name: 'GET',
    server: gateway,
    requestOf: () => Buffer.from(`GET ${WEBHOOK_PATH} HTTP/1.1\r\nhost: ${new URL(gateway.origin).host}\r\n\r\n`),
    isRight: ({ status }: Answer) => status === 405,
  },
  junk('bare socket', { sign: 'wrong' }, socket),
  junk('bare socket, body of 32 KB', LONG, socket),
];

const targets = [...queries, ...refused, ...shown].map((candidate) => target(candidate, CONNECTIONS));
const results = await inTurn(targets, { rounds: ROUNDS, warmUp: WARM_UP, measure: (to) => saturate(to, ROUND_MS) });
const isCheap = report(results);
targets.forEach(leave);
await Promise.all([gateway.stop(), socket.stop()]);
process.exit(isCheap ? 0 : 1);

/** Prints the table; answers whether all junk is cheap enough. */
function report(rounds: ReadonlyMap<string, readonly Round[]>): boolean {
  const microsOf = (name: string) => (rounds.get(name) ?? []).map(({ cpuMicros }) => cpuMicros);
  const shareOf = (name: string, query: string) =>
    median(microsOf(name).map((micros, round) => micros / (microsOf(query)[round] ?? Number.NaN)));
  const lines = targets.map(({ name }) => {
    const shares = queries.map((query) => shareOf(name, query.name).toFixed(2).padStart(12));
    return `${name.padEnd(30)}${median(microsOf(name)).toFixed(0).padStart(12)}${shares.join('')}`;
  });
  const isCheap = refused.every(({ name }) => shareOf(name, STATED) < MOST_SHARE);
  const { model } = cpus()[0] ?? { model: 'unknown processor' };
  process.stdout.write(
    `${[
      `${new Date().toISOString()}, Node ${process.version}, ${cpus().length} × ${model}, ${ROUNDS} rounds of ${ROUND_MS} ms`,
      '',
      `${''.padEnd(30)}${['CPU µs each', 'of the 1st', 'of the 2nd', 'of the 3rd'].map((title) => title.padStart(12)).join('')}`,
      ...lines,
      '',
      `${isCheap ? 'Each' : 'Not each'} of the two kinds of junk takes less than ${MOST_SHARE} of the second.`,
    ].join('\n')}\n`,
  );
  return isCheap;
}
