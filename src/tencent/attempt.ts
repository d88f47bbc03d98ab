// One try of one call: leave to call, one HTTP exchange, and what its end means.
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { CallOptions } from '../follow/services.ts';
import { createOccasionalReport, type Report } from '../report.ts';
import type { Span } from '../span.ts';
import type { Health } from './breaker.ts';
import type { Budget } from './budget/budget.ts';
import { findErrorRule, type RetryPolicy } from './error-table.ts';
import type { Http } from './http.ts';
import { readEnvelope, TransportFailure, UpstreamRefusal } from './upstream-errors.ts';
import { createSignature } from './user-sig.ts';
import { COMMANDS, type Command, pathOf } from './wire.ts';

export type AttemptOptions = {
  sdkAppId: number;
  /** An app admin's account: the upstream knows no other caller (CONTRACT 1.1). */
  adminId: string;
  secretKey: string;
  clock: Clock;
  /** One HTTP try, connecting included. The upstream's own timeout is 3 s, so stay above (CONTRACT 1.5). */
  timeoutMs?: number;
  /** At least 0, below 1. */
  random?: () => number;
  /** Paces the calls of this process; without one nothing is paced. */
  budget?: Pick<Budget, 'admit' | 'throttled'>;
  /**
   * Told how every call that was sent ended: `ok`, the upstream's ErrorCode, or a short name of why there was no answer;
   * and after how many milliseconds.
   */
  onCall?: (command: Command, outcome: string, ms: number) => void;
  report?: Report;
};

/** A try that failed: what may follow, the command's effect considered, and the pause before that. */
export type Failure = {
  error: GatewayError;
  retry: RetryPolicy;
  health: Health;
  firstWaitMs: number;
  /** Refused as one too many. */
  throttled?: boolean | undefined;
  /** Its connection may be one of many that are dead. */
  stale?: boolean;
};

const FIRST_WAIT_MS = 100;
/** The upstream counts by the second (CONTRACT 1.6), so that three tries last longer than one. */
const FIRST_WAIT_THROTTLED_MS = 500;
/** The upstream itself gives up after 3 s (CONTRACT 1.5): silence for less than that says nothing about it. */
const UPSTREAM_TIMEOUT_MS = 3000;
const FINAL_REASONS = new Set(['UND_ERR_RES_EXCEEDED_MAX_SIZE', 'UND_ERR_CLOSED', 'UND_ERR_DESTROYED']);

/** Creates the maker of single tries; it rejects where no further try can help: cancelled, too late, not admitted. */
export function createAttempts(options: AttemptOptions, http: Http) {
  const { sdkAppId, adminId, clock, timeoutMs = 5000, random = Math.random, budget, onCall } = options;
  const signature = createSignature(options);
  const report = createOccasionalReport(options.report ?? (() => {}), clock);
  const signer = `sdkappid=${sdkAppId}&identifier=${encodeURIComponent(adminId)}`;
  let pausedUntil = 0;

  /** `before` is how the call's last try failed. */
  async function attempt(
    command: Command,
    json: string,
    call: CallOptions,
    before: Pick<Failure, 'throttled' | 'stale'>,
    span: Span,
  ): Promise<{ body: Record<string, unknown> } | Failure> {
    refusePointless(command, call);
    const askedAt = clock.monotonicMs();
    await budget?.admit(command, call, before.throttled).catch((error) => {
      throw call.signal.aborted ? cancelled(command, call) : error;
    });
    span.set({ 'follow_gateway.budget.wait_ms': Math.round(clock.monotonicMs() - askedAt) });
    refusePointless(command, call);

    const userSig = signature.current();
    const sentAt = clock.now();
    const allottedMs = Math.min(timeoutMs, call.deadlineAt - sentAt);
    call.onUpstreamCall?.(command);
    const request = http.send(targetOf(command, userSig), json, before.stale);
    // A process that stood still may have the answer before it.
    const callOff = clock.alarm(allottedMs, () => setImmediate(request.stop));
    call.signal.addEventListener('abort', request.stop, { once: true });
    const outcome = await request.outcome;
    call.signal.removeEventListener('abort', request.stop);
    callOff();

    const status = 'status' in outcome ? outcome.status : undefined;
    const observe = (name: string) => {
      onCall?.(command, name, clock.now() - sentAt);
      span.set({ 'http.response.status_code': status, 'error.type': name === 'ok' ? undefined : name });
    };
    const body = 'status' in outcome ? readEnvelope(outcome.status, outcome.bytes) : outcome.reason;
    if (typeof body !== 'string') {
      observe(body.ErrorCode === 0 ? 'ok' : String(body.ErrorCode));
      return body.ErrorCode === 0 ? { body } : judge(command, userSig, body);
    }
    observe(call.signal.aborted ? 'cancelled' : body);
    if (call.signal.aborted) throw cancelled(command, call);
    const { sent, stale } = outcome;
    const mayRepeat = isRead(command) || !sent;
    // Old age of a connection is no failure of the upstream.
    if (stale && mayRepeat) return { ...noAnswer(command, body, true, false), firstWaitMs: 0, stale };
    const isHasty = body === 'timeout' && allottedMs < Math.min(timeoutMs, UPSTREAM_TIMEOUT_MS);
    return noAnswer(command, body, mayRepeat, !isHasty);
  }

  function refusePointless(command: Command, call: CallOptions): void {
    if (call.signal.aborted) throw cancelled(command, call);
    if (call.deadlineAt <= clock.now()) throw new TransportFailure(command, 'deadline');
    const pauseMs = Math.ceil(pausedUntil - clock.monotonicMs());
    if (pauseMs > 0) throw new UpstreamRefusal(command, 70050, '', { retryAfterMs: pauseMs });
  }

  // Parameter names and values are case-sensitive; a UserSig is URL-safe as it is (CONTRACT 1.1, 2.2).
  function targetOf(command: Command, userSig: string): string {
    const label = Math.floor(random() * 2 ** 32);
    return `${pathOf(command)}?${signer}&usersig=${userSig}&random=${label}&contenttype=json`;
  }

  function judge(command: Command, userSig: string, body: Record<string, unknown>): Failure {
    const { ErrorCode, ErrorInfo, RequestId } = body;
    const errorCode = Number(ErrorCode);
    const requestId = typeof RequestId === 'string' ? RequestId : undefined;
    const rule = findErrorRule(errorCode);
    const errorInfo = signature.redact(typeof ErrorInfo === 'string' ? ErrorInfo : '');
    if (rule.retry === 'resign') signature.renew(userSig);
    if (rule.pauses) pausedUntil = clock.monotonicMs() + (rule.retryAfterMs ?? 0);
    if (rule.throttled) budget?.throttled(command);
    if (rule.fault !== 'caller') {
      const { fault, note, remedy } = rule;
      const facts = { command, errorCode, fault, note, remedy, errorInfo, requestId };
      const level = rule.throttled ? 'warn' : fault === 'upstream' ? 'debug' : 'error';
      report(`${command} ${errorCode}`, 'the upstream refused a call', facts, level);
    }
    return {
      error: new UpstreamRefusal(command, errorCode, errorInfo),
      retry: isRead(command) || rule.undone ? rule.retry : 'never',
      health: rule.fault === 'upstream' ? 'failed' : 'answered',
      firstWaitMs: rule.throttled ? FIRST_WAIT_THROTTLED_MS : FIRST_WAIT_MS,
      throttled: rule.throttled,
    };
  }

  function noAnswer(command: Command, reason: string, mayRepeat: boolean, isUpstreamsFault: boolean): Failure {
    if (isUpstreamsFault)
      report(`${command} ${reason}`, 'the upstream gave no usable answer', { command, reason }, 'debug');
    return {
      error: new TransportFailure(command, reason, { mayHaveHappened: !mayRepeat }),
      retry: mayRepeat && !FINAL_REASONS.has(reason) ? 'backoff' : 'never',
      health: isUpstreamsFault ? 'failed' : 'unknown',
      firstWaitMs: FIRST_WAIT_MS,
    };
  }

  return attempt;
}

const isRead = (command: Command): boolean => COMMANDS[command].effect === 'read';

// A client sees this one only when the reason is meant for it.
function cancelled(command: Command, { signal }: CallOptions): GatewayError {
  return signal.reason instanceof GatewayError ? signal.reason : new TransportFailure(command, 'cancelled');
}
