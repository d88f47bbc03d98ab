// Replicas and an upstream, each in a process of its own, as they meet in production.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { createTencentClient } from '../../src/tencent/client.ts';
import type { Command } from '../../src/tencent/wire.ts';
import {
  BODIES,
  type Commands,
  type FromReplica,
  type FromUpstream,
  type Load,
  type Tally,
  type ToReplica,
  type ToUpstream,
} from './load.ts';

export type FleetOptions = Omit<Load, 'client'> & {
  replicas: number;
  redisUrl: string;
  /** What happens meanwhile, and after how many seconds. */
  events?: { afterSeconds: number; happen: () => unknown }[];
};

/** Lets the replicas fire together, and answers with what each one and the upstream saw. BUDGET_FIGURES prints it. */
export async function runFleet({ replicas, redisUrl, events = [], ...load }: FleetOptions) {
  const upstream = startProcess<ToUpstream, FromUpstream>(new URL('./upstream.ts', import.meta.url));
  const fleet = Array.from({ length: replicas }, () =>
    startProcess<ToReplica, FromReplica>(new URL('./replica.ts', import.meta.url), redisUrl),
  );
  const { sdkAppId, secretKey, admin: adminId } = SANDBOX_APP;
  const client = { baseUrl: (await upstream.heard('listening')).url, sdkAppId, secretKey, adminId };
  await Promise.all([warmUp(client, load.commands), ...fleet.map((replica) => replica.heard('ready'))]);

  upstream.tell({ kind: 'reset' });
  const done = fleet.map((replica) => replica.heard('done'));
  for (const replica of fleet) replica.tell({ kind: 'go', load: { ...load, client } });
  const timers = events.map(({ afterSeconds, happen }) => setTimeout(happen, afterSeconds * 1000));
  const tallies = (await Promise.all(done).finally(() => timers.forEach(clearTimeout))).map(({ tally }) => tally);
  const counted = upstream.heard('counted');
  upstream.tell({ kind: 'count' });
  const { commands, longestStallMs } = await counted;

  const departures = (command: Command) => busiestSecond(tallies.flatMap(({ leftAt }) => leftAt[command] ?? []));
  const steady =
    longestStallMs < 100 && tallies.every((tally) => tally.longestStallMs < 100 && tally.usualStallMs < 30);
  if (process.env.BUDGET_FIGURES) show(commands, tallies, departures, longestStallMs);
  return {
    commands,
    tallies,
    /** The most calls that left within any one second. */
    departures,
    /** Whether the machine gave all processes the time that a statement about throughput and arrivals needs. */
    steady,
  };
}

function startProcess<To extends object, From extends { kind: string }>(file: URL, ...args: string[]) {
  const child: ChildProcess = fork(fileURLToPath(file), args, { execArgv: [] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const died = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${file} ended with ${code}`)));
  died.catch(() => {});
  return {
    tell: (message: To) => void child.send(message),
    async heard<K extends From['kind']>(kind: K): Promise<Extract<From, { kind: K }>> {
      for (;;) {
        const [message] = (await Promise.race([once(child, 'message'), died])) as [From];
        if (message.kind === kind) return message as Extract<From, { kind: K }>;
      }
    },
  };
}

// The sandbox is slow to answer its very first calls; an upstream that everybody uses is not.
async function warmUp(options: Load['client'], commands: readonly Command[]): Promise<void> {
  const client = createTencentClient({ ...options, clock: systemClock });
  const signal = new AbortController().signal;
  for (const command of commands) {
    for (let n = 0; n < 50; n++) {
      await client.call(command, BODIES[command] ?? {}, { signal, deadlineAt: Date.now() + 10_000 });
    }
  }
  await client.close();
}

function busiestSecond(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  let first = 0;
  return sorted.reduce((most, at, last) => {
    while ((sorted[first] ?? at) <= at - 1000) first++;
    return Math.max(most, last - first + 1);
  }, 0);
}

function show(
  commands: Commands,
  tallies: readonly Tally[],
  departures: (command: Command) => number,
  stallMs: number,
): void {
  const figures = Object.entries(commands).map(([command, { received, outcomes, busiestSecond }]) => {
    const left = departures(command as Command);
    return `${command} received ${received} ${JSON.stringify(outcomes)} busiest second ${busiestSecond}, leaving ${left}`;
  });
  figures.push(`upstream stood still for up to ${Math.round(stallMs)} ms`);
  for (const { retryAfterMs, leftAt: _, ...tally } of tallies) {
    const sorted = retryAfterMs.sort((a, b) => a - b);
    figures.push(`${JSON.stringify(tally)} retryAfterMs ${sorted[0]} to ${sorted.at(-1)}`);
  }
  console.log(figures.join('\n'));
}

export const sum = (numbers: readonly (number | undefined)[]) =>
  numbers.reduce<number>((total, n) => total + (n ?? 0), 0);
