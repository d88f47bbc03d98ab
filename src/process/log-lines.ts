// Lines of text on their way out of the process: some at a time, and never waited for.
import { writeSync } from 'node:fs';

export type Lines = { write(line: string): void };

/** A line waits so long at most, in milliseconds, */
const LONGEST_WAIT_MS = 100;
/** or until there are so many bytes. A pipe takes so many whole or not at all: lines of several workers do not mix. */
const BYTES_AT_ONCE = 4096;
/** A reader that has no room is tried again after so many milliseconds. */
const AGAIN_MS = 20;
/** What a reader that has stopped to read can make us keep; then lines are lost, and no request waits for it. */
const MOST_BYTES = 16 * 1024 * 1024;
/** A process that exits waits so long for a reader, in milliseconds. */
const LAST_MS = 500;

type Output = { fd: number; _handle?: { setBlocking?(isBlocking: boolean): void } };

/** Opens the way to `output`. What waits is written when the process exits, unless it is killed. */
export function openLines(output: Output): Lines {
  /** Whole lines, as they are written at once. */
  let chunks: Buffer[] = [];
  let lines: string[] = [];
  let lineBytes = 0;
  let bytes = 0;
  let isTimed = false;

  function endChunk(): void {
    if (lines.length > 0) chunks.push(Buffer.from(lines.join('')));
    lines = [];
    lineBytes = 0;
  }

  /** Writes what waits; false when the reader has no room. */
  function flush(): boolean {
    endChunk();
    // Workers have one pipe, and each of them that starts or ends has it block again, for all.
    if (chunks.length > 0) output._handle?.setBlocking?.(false);
    for (let chunk = chunks[0]; chunk; chunk = chunks[0]) {
      try {
        const written = writeSync(output.fd, chunk);
        bytes -= written;
        if (written < chunk.length) chunks[0] = chunk.subarray(written);
        else chunks.shift();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
        // Nobody reads any more, or a disk is full: nothing that a client should suffer from.
        chunks = [];
        bytes = 0;
      }
    }
    return true;
  }

  function flushAfter(ms: number): void {
    if (isTimed) return;
    isTimed = true;
    setTimeout(() => {
      isTimed = false;
      if (!flush()) flushAfter(AGAIN_MS);
    }, ms).unref();
  }

  process.once('exit', () => {
    const clock = new Int32Array(new SharedArrayBuffer(4));
    for (let waited = 0; !flush() && waited < LAST_MS; waited += AGAIN_MS) Atomics.wait(clock, 0, 0, AGAIN_MS);
  });

  return {
    write(line) {
      const size = Buffer.byteLength(line);
      if (bytes + size > MOST_BYTES) return;
      if (lineBytes + size > BYTES_AT_ONCE) {
        endChunk();
        if (chunks.length === 1) flush();
      }
      lines.push(line);
      lineBytes += size;
      bytes += size;
      flushAfter(LONGEST_WAIT_MS);
    },
  };
}
