// Profiles as V8 writes them, summed up by whose code it is: a package, a file, a function.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

type CallFrame = { functionName: string; url: string; lineNumber: number };
type CpuProfile = {
  nodes: { id: number; callFrame: CallFrame }[];
  /** Microseconds of the system's monotonic clock, as `process.hrtime` counts. */
  startTime: number;
  samples: number[];
  timeDeltas: number[];
};
type HeapNode = { callFrame: CallFrame; selfSize: number; children: HeapNode[] };

/** How much each frame has, of microseconds or of bytes. */
export type Weighed = { frame: CallFrame; weight: number }[];

/** A regular expression's name is its whole text. */
const LONGEST_NAME = 60;

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The one profile of this kind in the folder, and where it is. */
export function findProfile(folder: string, ending: '.cpuprofile' | '.heapprofile'): { path: string; text: string } {
  const [name, ...others] = readdirSync(folder).filter((file) => file.endsWith(ending));
  if (!name || others.length > 0) throw new Error(`There should be one ${ending} in ${folder}.`);
  const path = join(folder, name);
  return { path, text: readFileSync(path, 'utf8') };
}

/** Self time between two moments, without the time in which there was nothing to do. */
export function weighCpu(text: string, { from, to }: { from: number; to: number }): Weighed {
  const { nodes, startTime, samples, timeDeltas } = JSON.parse(text) as CpuProfile;
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const micros = new Map<number, number>();
  let at = startTime;
  for (const [index, id] of samples.entries()) {
    const delta = timeDeltas[index] ?? 0;
    at += delta;
    if (at >= from && at <= to) micros.set(id, (micros.get(id) ?? 0) + delta);
  }
  return Array.from(micros, ([id, weight]) => ({ frame: frames.get(id) as CallFrame, weight })).filter(
    ({ frame }) => frame.functionName !== '(idle)',
  );
}

/** What was allocated and is still there at the end. */
export function weighHeap(text: string): Weighed {
  const { head } = JSON.parse(text) as { head: HeapNode };
  const weigh = (node: HeapNode): Weighed => [
    { frame: node.callFrame, weight: node.selfSize },
    ...node.children.flatMap(weigh),
  ];
  return weigh(head);
}

/** The heaviest groups first. */
export function heaviest(weighed: Weighed, nameOf: (frame: CallFrame) => string): [name: string, weight: number][] {
  const sums = new Map<string, number>();
  for (const { frame, weight } of weighed) {
    const name = nameOf(frame);
    sums.set(name, (sums.get(name) ?? 0) + weight);
  }
  return [...sums].sort(([, a], [, b]) => b - a);
}

/** `src`, a package of node_modules, `node` for what Node brings, or what the engine does by itself. */
export function packageOf(frame: CallFrame): string {
  const file = fileOf(frame);
  const [, name] = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file) ?? [];
  if (name) return name;
  return file.startsWith('node:') ? 'node' : (/^[^/]+/.exec(file)?.[0] ?? file);
}

/** The path inside this repository, a module of Node, or the engine's own word in brackets. */
export function fileOf({ url, functionName }: CallFrame): string {
  if (url === '') return functionName.startsWith('(') ? functionName : '(native and generated code)';
  if (!url.startsWith('file:')) return url;
  const path = fileURLToPath(url);
  return path.startsWith(ROOT) ? path.slice(ROOT.length) : path.replace(/^.*\/(?=node_modules\/)/, '');
}

export function functionOf(frame: CallFrame): string {
  const name = frame.functionName.slice(0, LONGEST_NAME) || '(anonymous)';
  return frame.url === '' ? name : `${name}  ${fileOf(frame)}:${frame.lineNumber + 1}`;
}
