import type { CallOptions } from '../follow/services.ts';
import { inSpan, sharedSpan } from '../span.ts';
import { type AttemptOptions, createAttempts, type Failure } from './attempt.ts';
import { type Breaker, type BreakerState, createBreaker, type Health } from './breaker.ts';
import type { RetryPolicy } from './error-table.ts';
import { createHttp } from './http.ts';
import { TransportFailure } from './upstream-errors.ts';
import { type Command, pathOf } from './wire.ts';

/** Calls the upstream's commands. */
export type TencentClient = ReturnType<typeof createTencentClient>;

export type TencentClientOptions = AttemptOptions & {
  baseUrl: string;
  /** The most kept-alive connections, each with one call at a time. */
  connections?: number;
};

/** How many tries a call gets in all when one of them ends so. */
const MAX_TRIES: Record<RetryPolicy, number> = { never: 1, once: 2, resign: 2, backoff: 3 };

/** Creates the client. Nothing connects before the first call. */
export function createTencentClient(options: TencentClientOptions) {
  const { clock, connections = 64, random = Math.random, report = () => {} } = options;
  const http = createHttp(options.baseUrl, connections);
  const { hostname, port, protocol } = new URL(options.baseUrl);
  const server = { 'server.address': hostname, 'server.port': Number(port) || (protocol === 'http:' ? 80 : 443) };
  const attempt = createAttempts(options, http);
  const breakers = new Map<Command, Breaker>();
  const away = new Set<Command>();
  let reason = '';
  let closed: Promise<void> | undefined;

  /** An outage is one line, and its end another, however many commands it hits. */
  function noteBreaker(command: Command, state: 'open' | 'closed'): void {
    const wasUp = away.size === 0;
    if (state === 'open') away.add(command);
    else away.delete(command);
    if (wasUp) report('The upstream is away; stale answers stand in', { command, reason });
    else if (away.size === 0) report('The upstream is back', { command }, 'info');
  }

  // Between half and all of it, so that callers that failed together do not come back together.
  const jittered = (ms: number) => ms * (0.5 + random() / 2);

  return {
    /**
     * Makes one call and answers with the parsed envelope of a success (CONTRACT 1.4); rejects with `GatewayError`s.
     * Tries again where the error table allows it, within the deadline; a write that may have been done is never repeated.
     */
    async call(command: Command, body: object, call: CallOptions): Promise<Record<string, unknown>> {
      const breaker = breakers.get(command) ?? createBreaker(clock, (state) => noteBreaker(command, state));
      breakers.set(command, breaker);
      const pass = breaker.enter();
      if ('retryAfterMs' in pass) throw new TransportFailure(command, 'breaker open', pass);
      const json = JSON.stringify(body);
      const traced = { 'http.request.method': 'POST', ...server, 'url.template': pathOf(command) };
      let health: Health = 'unknown';
      // A probe is one try, which must not be spent on a connection that died with the upstream.
      let before: Pick<Failure, 'throttled' | 'stale'> = { stale: pass.probe };
      try {
        for (let tries = 1; ; tries++) {
          const facts = { 'http.request.resend_count': tries - 1, 'follow_gateway.breaker': breaker.state() };
          const span = sharedSpan(call.spans, command, { ...traced, ...facts });
          const outcome = await inSpan(span, () => attempt(command, json, call, before, span));
          if ('body' in outcome) {
            health = 'answered';
            return outcome.body;
          }
          if (outcome.health !== 'unknown') health = outcome.health;
          if (health === 'failed') reason = outcome.error.message;
          before = outcome;
          const waitMs = outcome.retry === 'resign' ? 0 : jittered(outcome.firstWaitMs * 2 ** (tries - 1));
          const mayRepeat = tries < MAX_TRIES[outcome.retry] && clock.now() + waitMs < call.deadlineAt;
          // A refused UserSig says nothing about the upstream's health.
          const isAllowed = pass.probe ? outcome.retry === 'resign' : breaker.state() === 'closed';
          if (!mayRepeat || !isAllowed) throw outcome.error;
          if (waitMs > 0) await clock.sleep(waitMs, call.signal).catch(() => {});
        }
      } finally {
        breaker.leave(pass, call.signal.aborted && health === 'failed' ? 'unknown' : health);
      }
    },

    /** Waits for the calls that are under way, then closes the connections. */
    close(): Promise<void> {
      closed ??= http.close();
      return closed;
    },

    /** The circuit breaker of every command that was ever called. */
    breakerStates: (): Partial<Record<Command, BreakerState>> =>
      Object.fromEntries([...breakers].map(([command, breaker]) => [command, breaker.state()])),
  };
}
