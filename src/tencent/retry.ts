// One call as its caller sees it: how often it is tried, with what pauses, and when it is not tried at all.
import type { CallOptions } from '../follow/services.ts';
import { type AttemptOptions, createAttempts } from './attempt.ts';
import { type Breaker, type BreakerState, createBreaker, type Health } from './breaker.ts';
import type { RetryPolicy } from './error-table.ts';
import { TransportFailure } from './upstream-errors.ts';
import type { Command } from './wire.ts';

export type { CallBudget, CallObserver } from './attempt.ts';

/** How many tries a call gets in all when one of them ends so. */
const MAX_TRIES: Record<RetryPolicy, number> = { never: 1, once: 2, resign: 2, backoff: 3 };

/** Creates the calling half of the client (CONTRACT 1, 2 and 8). A write that may have been done is never repeated. */
export function createRetry(options: AttemptOptions) {
  const { clock, random, report } = options;
  const attempt = createAttempts(options);
  const breakers = new Map<Command, Breaker>();

  async function call(command: Command, body: object, call: CallOptions): Promise<Record<string, unknown>> {
    const breaker = breakerOf(command);
    const pass = breaker.enter();
    if ('retryAfterMs' in pass) throw new TransportFailure(command, 'breaker open', pass);
    const json = JSON.stringify(body);
    let health: Health = 'unknown';
    let throttled = false;
    try {
      for (let tries = 1; ; tries++) {
        const outcome = await attempt(command, json, call, throttled);
        if ('body' in outcome) {
          health = 'answered';
          return outcome.body;
        }
        if (outcome.health !== 'unknown') health = outcome.health;
        throttled = outcome.throttled;
        const waitMs = outcome.retry === 'resign' ? 0 : jittered(outcome.firstWaitMs * 2 ** (tries - 1));
        const mayRepeat = tries < MAX_TRIES[outcome.retry] && clock.now() + waitMs < call.deadlineAt;
        // A probe is one try, except that a refused UserSig says nothing about the upstream's health.
        const isAllowed = pass.probe ? outcome.retry === 'resign' : breaker.state() === 'closed';
        if (!mayRepeat || !isAllowed) throw outcome.error;
        if (waitMs > 0) await clock.sleep(waitMs, call.signal).catch(() => {});
      }
    } finally {
      pass.leave(call.signal.aborted && health === 'failed' ? 'unknown' : health);
    }
  }

  function breakerOf(command: Command): Breaker {
    let breaker = breakers.get(command);
    if (breaker === undefined) {
      breaker = createBreaker(clock, (state) => report(`the circuit breaker of ${command} is ${state}`, { command }));
      breakers.set(command, breaker);
    }
    return breaker;
  }

  // Between half and all of it, so that callers that failed together do not come back together.
  const jittered = (ms: number) => ms * (0.5 + random() / 2);

  return {
    call,
    breakerStates: (): Partial<Record<Command, BreakerState>> =>
      Object.fromEntries([...breakers].map(([command, breaker]) => [command, breaker.state()])),
  };
}
