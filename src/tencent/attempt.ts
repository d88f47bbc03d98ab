// One try of one call: leave to call, one HTTP exchange, and what its end means.
import { type Clock, setAlarm } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { CallOptions } from '../follow/services.ts';
import type { Health } from './breaker.ts';
import type { Budget } from './budget/budget.ts';
import { COMMANDS } from './commands.ts';
import { type Answer, readEnvelope } from './envelope.ts';
import { findErrorRule, type RetryPolicy } from './error-table.ts';
import type { Exchange } from './exchange.ts';
import { createOccasionalReport, type Report } from './report.ts';
import type { Signature } from './signature.ts';
import { TransportFailure, UpstreamRefusal } from './upstream-errors.ts';
import type { Command } from './wire.ts';

export type AttemptOptions = {
  send: (path: string, body: string) => Exchange;
  /** How many kept-alive connections can turn out dead in a row. */
  connections: number;
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

/** What one try came to. `retry` is what may follow, the command's effect considered; `firstWaitMs` the pause before it. */
export type Attempt =
  | { body: Record<string, unknown> }
  | { error: GatewayError; retry: RetryPolicy; health: Health; firstWaitMs: number; throttled: boolean };

const FIRST_WAIT_MS = 100;
/** The upstream counts by the second (CONTRACT 1.6), so that three tries last longer than one. */
const FIRST_WAIT_THROTTLED_MS = 500;
/** The upstream itself gives up after 3 s (CONTRACT 1.5): silence for less than that says nothing about it. */
const UPSTREAM_TIMEOUT_MS = 3000;
const FINAL_REASONS = new Set(['UND_ERR_RES_EXCEEDED_MAX_SIZE', 'UND_ERR_CLOSED', 'UND_ERR_DESTROYED']);

/** Creates the maker of single tries; it rejects where no further try can help: cancelled, too late, not admitted. */
export function createAttempts(options: AttemptOptions) {
  const { send, connections, signature, sdkAppId, adminId, clock, timeoutMs, random, budget, onCall } = options;
  const report = createOccasionalReport(options.report, clock);
  const signer = `sdkappid=${sdkAppId}&identifier=${encodeURIComponent(adminId)}`;
  let pausedUntil = 0;

  /** `again`: the call was refused before as one too many. */
  async function attempt(command: Command, json: string, call: CallOptions, again: boolean): Promise<Attempt> {
    // When one kept-alive connection is dead, its siblings likely are too, and each costs no more than a moment: they are
    // no tries. A read goes on until a connection is fresh.
    for (let dead = 0; ; dead++) {
      refusePointless(command, call);
      await budget?.admit(command, call, again).catch((error) => {
        throw call.signal.aborted ? cancelled(command, call) : error;
      });
      refusePointless(command, call);
      const userSig = signature.current();
      const sentAt = clock.now();
      const allottedMs = Math.min(timeoutMs, call.deadlineAt - sentAt);
      const outcome = await exchange(command, json, call, userSig, allottedMs);
      const ms = clock.now() - sentAt;
      if (outcome.kind === 'answer') {
        const answer = readEnvelope(outcome.status, outcome.bytes);
        onCall(command, nameOf(answer), ms);
        return judge(command, userSig, answer);
      }
      const isCancelled = call.signal.aborted;
      onCall(command, isCancelled ? 'cancelled' : outcome.kind === 'stopped' ? 'timeout' : outcome.reason, ms);
      if (isCancelled) throw cancelled(command, call);
      if (outcome.kind === 'stopped') return silence(command, allottedMs);
      const mayRepeat = COMMANDS[command].effect === 'read' || !outcome.sent;
      if (outcome.stale && mayRepeat && dead < connections) continue;
      return noAnswer(command, outcome.reason, mayRepeat);
    }
  }

  function refusePointless(command: Command, call: CallOptions): void {
    if (call.signal.aborted) throw cancelled(command, call);
    const now = clock.now();
    if (call.deadlineAt <= now) throw new TransportFailure(command, 'deadline', { code: 'UPSTREAM_TIMEOUT' });
    if (pausedUntil > now) throw new UpstreamRefusal(command, 70050, '', { retryAfterMs: pausedUntil - now });
  }

  async function exchange(command: Command, json: string, call: CallOptions, userSig: string, allottedMs: number) {
    call.onUpstreamCall?.(command);
    // Who has no call left gives up when told of this one.
    if (call.signal.aborted) throw cancelled(command, call);
    const request = send(pathOf(command, userSig), json);
    const callOff = setAlarm(clock, allottedMs, request.stop);
    call.signal.addEventListener('abort', request.stop, { once: true });
    const outcome = await request.outcome;
    call.signal.removeEventListener('abort', request.stop);
    callOff();
    return outcome;
  }

  // Parameter names and values are case-sensitive; a UserSig is URL-safe as it is (CONTRACT 1.1, 2.2).
  function pathOf(command: Command, userSig: string): string {
    const label = Math.floor(random() * 2 ** 32);
    return `/v4/${COMMANDS[command].service}/${command}?${signer}&usersig=${userSig}&random=${label}&contenttype=json`;
  }

  function judge(command: Command, userSig: string, answer: Answer): Attempt {
    if (answer.kind === 'success') return { body: answer.body };
    const isRead = COMMANDS[command].effect === 'read';
    if (answer.kind === 'unreadable') return noAnswer(command, answer.reason, isRead);

    const { errorCode, requestId } = answer;
    const rule = findErrorRule(errorCode);
    const errorInfo = signature.redact(answer.errorInfo);
    const throttled = rule.throttled === true;
    if (rule.retry === 'resign') signature.renew(userSig);
    if (rule.pauseMs !== undefined) pausedUntil = clock.now() + rule.pauseMs;
    if (throttled) budget?.throttled(command);
    if (rule.fault !== 'caller') {
      const facts = { command, errorCode, fault: rule.fault, note: rule.note, errorInfo, requestId };
      report(`${command} ${errorCode}`, 'the upstream refused a call', facts);
    }
    return {
      error: new UpstreamRefusal(command, errorCode, errorInfo),
      retry: isRead || rule.undone ? rule.retry : 'never',
      health: rule.fault === 'upstream' ? 'failed' : 'answered',
      firstWaitMs: throttled ? FIRST_WAIT_THROTTLED_MS : FIRST_WAIT_MS,
      throttled,
    };
  }

  function noAnswer(command: Command, reason: string, mayRepeat: boolean): Attempt {
    report(`${command} ${reason}`, 'the upstream gave no usable answer', { command, reason });
    const error = new TransportFailure(command, reason, { mayHaveHappened: !mayRepeat });
    return failure(error, mayRepeat && !FINAL_REASONS.has(reason), 'failed');
  }

  function silence(command: Command, allottedMs: number): Attempt {
    const isWrite = COMMANDS[command].effect === 'write';
    const isUpstreamsFault = allottedMs >= Math.min(timeoutMs, UPSTREAM_TIMEOUT_MS);
    const facts = { command, allottedMs: Math.round(allottedMs) };
    if (isUpstreamsFault) report(`${command} timeout`, 'the upstream gave no answer in time', facts);
    const error = new TransportFailure(command, 'timeout', { code: 'UPSTREAM_TIMEOUT', mayHaveHappened: isWrite });
    return failure(error, !isWrite, isUpstreamsFault ? 'failed' : 'unknown');
  }

  return attempt;
}

function failure(error: GatewayError, mayRepeat: boolean, health: Health): Attempt {
  return { error, retry: mayRepeat ? 'backoff' : 'never', health, firstWaitMs: FIRST_WAIT_MS, throttled: false };
}

/** Short, and without a word of the upstream's. */
function nameOf(answer: Answer): string {
  if (answer.kind === 'success') return 'ok';
  return answer.kind === 'refusal' ? String(answer.errorCode) : answer.reason;
}

// A client sees this one only when the reason is meant for it.
function cancelled(command: Command, { signal }: CallOptions): GatewayError {
  return signal.reason instanceof GatewayError ? signal.reason : new TransportFailure(command, 'cancelled');
}
