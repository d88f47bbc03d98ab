import { type Logger, pino } from 'pino';

/** A reader that has stopped reading makes the log keep this much; then lines are dropped, and no request waits for it. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Creates the log: lines of JSON on standard output, written in chunks, at the latest when the process exits. Flush it
 * before an exit, since a reader that is gone is noticed by an asynchronous write alone. At a terminal, lines for people.
 */
export function createLog(level: string, isTerminal = false): Logger {
  if (isTerminal)
    return pino({ level, base: null }, { write: (line: string) => void process.stdout.write(readable(line)) });
  const output = pino.destination({ sync: false, minLength: 4096, periodicFlush: 100, maxLength: MAX_BYTES });
  // A disk that is full ends no process, nor does the log hold an exit up until there is room.
  output.on('error', () => {
    output.flushSync = () => {};
  });
  return pino({ level, base: null }, output);
}

/** A line of the log as people read it; text made up by clients can move no cursor, since it is quoted. */
export function readable(line: string): string {
  const { level, time, msg, err, ...facts } = JSON.parse(line);
  const told = Object.entries(facts)
    .map(([name, value]) => ` ${name}=${/^[\w./:-]+$/.test(String(value)) ? value : JSON.stringify(value)}`)
    .join('');
  const [clock] = new Date(time).toTimeString().split(' ');
  const name = pino.levels.labels[level] ?? '';
  const stack = err?.stack ? `\n${err.stack}` : '';
  return `${clock} \x1b[${COLOURS[name] ?? 0}m${name.padEnd(5)}\x1b[0m ${msg ?? ''}\x1b[2m${told}\x1b[0m${stack}\n`;
}

const COLOURS: Record<string, number> = { fatal: 31, error: 31, warn: 33, info: 32, debug: 36 };

/**
 * The log hears once that `receiver` takes nothing, and once that it does again. Of why it hears the HTTP status alone,
 * since texts may quote what was sent. A refusal is for somebody to mend.
 */
export function createOutageLog(log: Logger, receiver: string) {
  let isAway = false;
  return (failure: number | 'no answer' | null): void => {
    if (failure === null && isAway) log.info(`${receiver} is back`);
    const level = failure === 401 || failure === 403 || failure === 404 ? 'error' : 'warn';
    if (failure !== null && !isAway) log[level]({ failure }, `${receiver} takes nothing; it is dropped`);
    isAway = failure !== null;
  };
}
