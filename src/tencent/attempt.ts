// One try of one call: leave to call, one HTTP exchange, and what its end means.
import { type Clock, setAlarm } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { CallOptions } from '../follow/services.ts';
import type { Health } from './breaker.ts';
import type { Budget } from './budget/budget.ts';
import { COMMANDS } from './commands.ts';
import { type Answer, readEnvelope } from './envelope.ts';
import { findErrorRule, type RetryPolicy } from './error-table.ts';
import type { Http } from './http.ts';
import { createOccasionalReport, type Report } from './report.ts';
import type { Signature } from './signature.ts';
import { TransportFailure, UpstreamRefusal } from './upstream-errors.ts';
import type { Command } from './wire.ts';

export type AttemptOptions = {
  http: Pick<Http, 'send'>;
  signature: Signature;
  sdkAppId: number;
  adminId: string;
  clock: Clock;
  timeoutMs: number;
  random: () => number;
  budget?: CallBudget;
  onCall: CallObserver;
  report: Report;
};

/** What paces the calls of this process. */
export type CallBudget = Pick<Budget, 'admit' | 'throttled'>;

/**
 * Told how every call that was sent ended: `ok`, the upstream's ErrorCode, or a short name of why there was no answer;
 * and after how many milliseconds.
 */
export type CallObserver = (command: Command, outcome: string, ms: number) => void;

/** A try that failed: what may follow, the command's effect considered, and the pause before that. */
export type Failure = {
  error: GatewayError;
  retry: RetryPolicy;
  health: Health;
  firstWaitMs: number;
  /** Refused as one too many. */
  throttled: boolean;
  /** Its connection may be one of many that are dead. */
  stale: boolean;
};

const FIRST_WAIT_MS = 100;
/** The upstream counts by the second (CONTRACT 1.6), so that three tries last longer than one. */
const FIRST_WAIT_THROTTLED_MS = 500;
/** The upstream itself gives up after 3 s (CONTRACT 1.5): silence for less than that says nothing about it. */
const UPSTREAM_TIMEOUT_MS = 3000;
const FINAL_REASONS = new Set(['UND_ERR_RES_EXCEEDED_MAX_SIZE', 'UND_ERR_CLOSED', 'UND_ERR_DESTROYED']);

/** Creates the maker of single tries; it rejects where no further try can help: cancelled, too late, not admitted. */
export function createAttempts(options: AttemptOptions) {
  const { http, signature, sdkAppId, adminId, clock, timeoutMs, random, budget, onCall } = options;
  const report = createOccasionalReport(options.report, clock);
  const signer = `sdkappid=${sdkAppId}&identifier=${encodeURIComponent(adminId)}`;
  let pausedUntil = 0;

  /** `before` is how the call's last try failed. */
  async function attempt(
    command: Command,
    json: string,
    call: CallOptions,
    before: Pick<Failure, 'throttled' | 'stale'>,
  ): Promise<{ body: Record<string, unknown> } | Failure> {
    refusePointless(command, call);
    await budget?.admit(command, call, before.throttled).catch((error) => {
      throw call.signal.aborted ? cancelled(command, call) : error;
    });
    refusePointless(command, call);

    const userSig = signature.current();
    const sentAt = clock.now();
    const allottedMs = Math.min(timeoutMs, call.deadlineAt - sentAt);
    call.onUpstreamCall?.(command);
    const request = http.send(pathOf(command, userSig), json, before.stale);
    const callOff = setAlarm(clock, allottedMs, request.stop);
    call.signal.addEventListener('abort', request.stop, { once: true });
    const outcome = await request.outcome;
    call.signal.removeEventListener('abort', request.stop);
    callOff();

    const observe = (name: string) => onCall(command, name, clock.now() - sentAt);
    if (outcome.kind === 'answer') {
      const answer = readEnvelope(outcome.status, outcome.bytes);
      observe(nameOf(answer));
      return answer.kind === 'success' ? { body: answer.body } : judge(command, userSig, answer);
    }
    if (call.signal.aborted) {
      observe('cancelled');
      throw cancelled(command, call);
    }
    if (outcome.kind === 'stopped') {
      observe('timeout');
      return silence(command, allottedMs);
    }
    observe(outcome.reason);
    const mayRepeat = isRead(command) || !outcome.sent;
    if (!outcome.stale || !mayRepeat) return noAnswer(command, outcome.reason, mayRepeat);
    // Old age of a connection is no failure of the upstream.
    return {
      ...failed(new TransportFailure(command, outcome.reason), 'backoff', 'unknown'),
      firstWaitMs: 0,
      stale: true,
    };
  }

  function refusePointless(command: Command, call: CallOptions): void {
    if (call.signal.aborted) throw cancelled(command, call);
    const now = clock.now();
    if (call.deadlineAt <= now) throw new TransportFailure(command, 'deadline', { code: 'UPSTREAM_TIMEOUT' });
    if (pausedUntil > now) throw new UpstreamRefusal(command, 70050, '', { retryAfterMs: pausedUntil - now });
  }

  // Parameter names and values are case-sensitive; a UserSig is URL-safe as it is (CONTRACT 1.1, 2.2).
  function pathOf(command: Command, userSig: string): string {
    const label = Math.floor(random() * 2 ** 32);
    return `/v4/${COMMANDS[command].service}/${command}?${signer}&usersig=${userSig}&random=${label}&contenttype=json`;
  }

  function judge(command: Command, userSig: string, answer: Exclude<Answer, { kind: 'success' }>): Failure {
    if (answer.kind === 'unreadable') return noAnswer(command, answer.reason, isRead(command));
    const { errorCode, requestId } = answer;
    const rule = findErrorRule(errorCode);
    const errorInfo = signature.redact(answer.errorInfo);
    if (rule.retry === 'resign') signature.renew(userSig);
    if (rule.pauseMs !== undefined) pausedUntil = clock.now() + rule.pauseMs;
    if (rule.throttled) budget?.throttled(command);
    if (rule.fault !== 'caller') {
      const facts = { command, errorCode, fault: rule.fault, note: rule.note, errorInfo, requestId };
      report(`${command} ${errorCode}`, 'the upstream refused a call', facts);
    }
    const retry = isRead(command) || rule.undone ? rule.retry : 'never';
    const health = rule.fault === 'upstream' ? 'failed' : 'answered';
    const failure = failed(new UpstreamRefusal(command, errorCode, errorInfo), retry, health);
    return rule.throttled ? { ...failure, firstWaitMs: FIRST_WAIT_THROTTLED_MS, throttled: true } : failure;
  }

  function noAnswer(command: Command, reason: string, mayRepeat: boolean): Failure {
    report(`${command} ${reason}`, 'the upstream gave no usable answer', { command, reason });
    const error = new TransportFailure(command, reason, { mayHaveHappened: !mayRepeat });
    return failed(error, mayRepeat && !FINAL_REASONS.has(reason) ? 'backoff' : 'never', 'failed');
  }

  function silence(command: Command, allottedMs: number): Failure {
    const isUpstreamsFault = allottedMs >= Math.min(timeoutMs, UPSTREAM_TIMEOUT_MS);
    const facts = { command, allottedMs: Math.round(allottedMs) };
    if (isUpstreamsFault) report(`${command} timeout`, 'the upstream gave no answer in time', facts);
    const mayHaveHappened = !isRead(command);
    const error = new TransportFailure(command, 'timeout', { code: 'UPSTREAM_TIMEOUT', mayHaveHappened });
    return failed(error, mayHaveHappened ? 'never' : 'backoff', isUpstreamsFault ? 'failed' : 'unknown');
  }

  return attempt;
}

function failed(error: GatewayError, retry: RetryPolicy, health: Health): Failure {
  return { error, retry, health, firstWaitMs: FIRST_WAIT_MS, throttled: false, stale: false };
}

const isRead = (command: Command): boolean => COMMANDS[command].effect === 'read';

/** Short, and without a word of the upstream's. */
function nameOf(answer: Answer): string {
  if (answer.kind === 'success') return 'ok';
  return answer.kind === 'refusal' ? String(answer.errorCode) : answer.reason;
}

// A client sees this one only when the reason is meant for it.
function cancelled(command: Command, { signal }: CallOptions): GatewayError {
  return signal.reason instanceof GatewayError ? signal.reason : new TransportFailure(command, 'cancelled');
}
