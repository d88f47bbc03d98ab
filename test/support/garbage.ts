// What a process still holds when all that nobody holds is gone.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** In bytes. */
export function heldMemory(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
