// Compiled operations whose answers are told as one text.
import type { CompiledOperation } from '../../src/execution/compile.ts';
import type { Written } from '../../src/execution/run.ts';

const textOf = (written: Written | null): string | null =>
  written && Buffer.concat(written.map((piece) => Buffer.from(piece as string))).toString();

/** The same operation, with its answer as text: at once where it is there at once. */
export function asText(compiled: CompiledOperation) {
  return {
    run(...given: Parameters<CompiledOperation['run']>): string | null | Promise<string | null> {
      const written = compiled.run(...given);
      return written instanceof Promise ? written.then(textOf) : textOf(written);
    },
  };
}
