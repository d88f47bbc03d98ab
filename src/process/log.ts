// The log: lines of JSON on standard output, some at a time, since a write for each request would cost half as much as
// its answer.
import { type Logger, pino } from 'pino';
import { openLines } from './log-lines.ts';

export type OpenLog = {
  readonly log: Logger;
  /** Logs one of the lines of which there is one for each request, as `log.info(line, 'request')` does at thrice the cost. */
  logRequest(line: object): void;
};

export function openLog(level: string, bindings: Readonly<Record<string, unknown>> = {}): OpenLog {
  const lines = openLines(process.stdout);
  const log = pino({ level, base: bindings }, lines);
  const before = `{"level":${log.levels.values.info},"time":`;
  const bound = JSON.stringify(bindings).slice(1, -1);
  const behind = bound && `,${bound}`;
  return {
    log,
    logRequest(line) {
      if (log.isLevelEnabled('info'))
        lines.write(`${before}${Date.now()}${behind},${JSON.stringify(line).slice(1, -1)},"msg":"request"}\n`);
    },
  };
}
