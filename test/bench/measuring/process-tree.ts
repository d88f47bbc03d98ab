// CPU time of a server and of all processes that it has started, as Linux counts it: for one with workers.
import { readdirSync, readFileSync } from 'node:fs';
import type { ServerProcess } from './server-process.ts';

/** What Linux shows of times to programs is in hundredths of a second, whatever it counts in. */
const MICROS_A_TICK = 10_000;

type Times = { pid: number; parent: number; micros: number };

/** The same server, asked for the CPU time of its whole tree. A process that has ended is not in it. */
export function withItsTree(server: ServerProcess): ServerProcess {
  return { ...server, cpuMicros: async () => sumOf(treeOf(server.child.pid as number)) };
}

/** CPU time of each process below this one, without its own. */
export function cpuOfChildren(server: ServerProcess): number[] {
  const [, ...children] = treeOf(server.child.pid as number);
  return children.map(({ micros }) => micros);
}

function sumOf(tree: readonly Times[]): number {
  return tree.reduce((sum, { micros }) => sum + micros, 0);
}

function treeOf(root: number): Times[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap(readTimes);
  const below = (pid: number): Times[] =>
    all.filter(({ parent }) => parent === pid).flatMap((child) => [child, ...below(child.pid)]);
  return [...all.filter(({ pid }) => pid === root), ...below(root)];
}

function readTimes(pid: string): Times[] {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    // It has ended since the folder was read.
    return [];
  }
  // The second field is a name in brackets that may hold anything; state is the third.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const micros = (Number(fields[11]) + Number(fields[12])) * MICROS_A_TICK;
  return [{ pid: Number(pid), parent: Number(fields[1]), micros }];
}
