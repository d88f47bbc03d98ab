// Where traces and usage reports go may be away without anybody noticing: the log says so.
import type { Logger } from 'pino';

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
