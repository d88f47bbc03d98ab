// The log: lines of JSON on standard output, some at a time, since a write for each request would cost half as much as
// its answer.
import { type Logger, pino } from 'pino';
import { openLines } from './log-lines.ts';

export function openLog(level: string, bindings?: Readonly<Record<string, unknown>>): Logger {
  return pino({ level, base: bindings }, openLines(process.stdout));
}
