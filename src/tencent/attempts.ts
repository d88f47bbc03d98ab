// One try of one call: admission, one HTTP exchange, and what its end means.
import { type Clock, setAlarm } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { CallOptions } from '../follow/services.ts';
import type { Health } from './breaker.ts';
import type { Budget } from './budget.ts';
import { COMMANDS } from './commands.ts';
import { type Answer, readEnvelope } from './envelope.ts';
import { findErrorRule, type RetryPolicy } from './error-table.ts';
import { createOccasionalReport, type Report } from './report.ts';
import type { Signature } from './signature.ts';
import { TransportFailure, UpstreamRefusal } from './upstream-errors.ts';
import type { Command } from './wire.ts';

/** One HTTP request under way. `stop` closes its connection and settles `outcome`, which never rejects. */
export type Exchange = { outcome: Promise<HttpOutcome>; stop(): void };

export type HttpOutcome =
  | { kind: 'answer'; status: number; bytes: Buffer }
  /** `sent`: bytes may have left. `stale`: a kept-alive connection died before it brought any byte of an answer. */
  | { kind: 'failed'; reason: string; sent: boolean; stale: boolean }
  | { kind: 'stopped' };

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
  /** Asked before everything that is sent, and told what becomes of each admission. */
  budget?: CallBudget;
  onCall?: CallObserver;
  report: Report;
};

/** What paces the calls of this process. */
export type CallBudget = Pick<Budget, 'admit' | 'answered' | 'withdrawn' | 'throttled'>;

/**
 * Told how every call that was sent ended: `ok`, the upstream's ErrorCode, or a short name of why there was no answer;
 * and after how many milliseconds.
 */
export type CallObserver = (command: Command, outcome: string, ms: number) => void;

/** What one try came to. `retry` is what may follow, the command's effect considered; `firstWaitMs` the pause before it. */
export type Attempt =
  | { body: Record<string, unknown> }
  | { error: GatewayError; retry: RetryPolicy; health: Health; firstWaitMs: number };

const FIRST_WAIT_MS = 100;
// The upstream itself gives up after 3 s (contract 1.5): silence for less than that says nothing about it.
const UPSTREAM_PATIENCE_MS = 3000;
const NEVER_WORTH_ANOTHER_TRY = new Set(['UND_ERR_RES_EXCEEDED_MAX_SIZE', 'UND_ERR_CLOSED', 'UND_ERR_DESTROYED']);

/** Creates the maker of single tries; it rejects where no further try can help: cancelled, too late, not admitted. */
export function createAttempts(options: AttemptOptions) {
  const { send, connections, signature, sdkAppId, adminId, clock, timeoutMs, random } = options;
  const { budget, onCall = () => {} } = options;
  const report = createOccasionalReport(options.report, clock);
  const signer = `sdkappid=${sdkAppId}&identifier=${encodeURIComponent(adminId)}`;
  let pausedUntil = 0;

  async function attempt(command: Command, json: string, call: CallOptions): Promise<Attempt> {
    // One dead connection means that its siblings are likely dead too, and each costs no more than a moment:
    // they are no tries. It ends, since what a dead one is replaced by is not reused. Each is admitted, though: whatever
    // stands before the upstream may have passed on what it then had no answer to.
    for (let dead = 0; ; dead++) {
      refuseIfPointless(command, call);
      await budget?.admit(command, call).catch((error) => {
        throw call.signal.aborted ? cancelled(command, call) : error;
      });
      try {
        refuseIfPointless(command, call);
      } catch (error) {
        budget?.withdrawn(command);
        throw error;
      }
      const userSig = signature.current();
      const allottedMs = Math.min(timeoutMs, call.deadlineAt - clock.now());
      const sentAt = clock.now();
      const outcome = await exchange(command, json, call, userSig, allottedMs);
      const ms = clock.now() - sentAt;
      budget?.answered(command);
      if (outcome.kind === 'answer') {
        const answer = readEnvelope(outcome.status, outcome.bytes);
        onCall(command, nameOf(answer), ms);
        return judge(command, userSig, answer);
      }
      onCall(command, call.signal.aborted ? 'cancelled' : outcome.kind === 'stopped' ? 'timeout' : outcome.reason, ms);
      if (call.signal.aborted) throw cancelled(command, call);
      if (outcome.kind === 'stopped') return silence(command, allottedMs);
      const mayRepeat = COMMANDS[command].effect !== 'write' || !outcome.sent;
      if (outcome.stale && mayRepeat && dead < connections && call.deadlineAt > clock.now()) continue;
      return transportFailure(command, outcome.reason, mayRepeat);
    }
  }

  function refuseIfPointless(command: Command, call: CallOptions): void {
    if (call.signal.aborted) throw cancelled(command, call);
    const now = clock.now();
    if (call.deadlineAt <= now) throw tooLate(command);
    if (pausedUntil <= now) return;
    throw new GatewayError('UPSTREAM_MISCONFIGURED', `${command}: calls are stopped after refused signatures (70050)`, {
      upstream: { command, errorCode: 70050, retryable: true, retryAfterMs: pausedUntil - now },
    });
  }

  async function exchange(command: Command, json: string, call: CallOptions, userSig: string, allottedMs: number) {
    call.onUpstreamCall?.(command);
    const request = send(pathOf(command, userSig), json);
    const callOff = setAlarm(clock, allottedMs, request.stop);
    call.signal.addEventListener('abort', request.stop, { once: true });
    const outcome = await request.outcome;
    call.signal.removeEventListener('abort', request.stop);
    callOff();
    return outcome;
  }

  // Parameter names and values are case-sensitive; a UserSig is URL-safe as it is (contract 1.1, 2.2).
  function pathOf(command: Command, userSig: string): string {
    const label = Math.floor(random() * 2 ** 32);
    return `/v4/${COMMANDS[command].service}/${command}?${signer}&usersig=${userSig}&random=${label}&contenttype=json`;
  }

  function judge(command: Command, userSig: string, answer: Answer): Attempt {
    if (answer.kind === 'success') return { body: answer.body };
    const { effect } = COMMANDS[command];
    if (answer.kind === 'unreadable') return transportFailure(command, answer.reason, effect !== 'write');

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
    const repeatable = effect === 'read' || rule.undone;
    return {
      error: new UpstreamRefusal(command, errorCode, errorInfo),
      retry: repeatable ? rule.retry : 'never',
      health: rule.fault === 'upstream' ? 'failed' : 'answered',
      firstWaitMs: rule.throttled ? (rule.retryAfterMs ?? FIRST_WAIT_MS) : FIRST_WAIT_MS,
    };
  }

  function transportFailure(command: Command, reason: string, mayRepeat: boolean): Attempt {
    report(`${command} ${reason}`, 'the upstream gave no usable answer', { command, reason });
    return {
      error: new TransportFailure(command, reason, { mayHaveHappened: !mayRepeat }),
      retry: mayRepeat && !NEVER_WORTH_ANOTHER_TRY.has(reason) ? 'backoff' : 'never',
      health: 'failed',
      firstWaitMs: FIRST_WAIT_MS,
    };
  }

  function silence(command: Command, allottedMs: number): Attempt {
    const message = `the upstream gave no answer in ${Math.round(allottedMs)} ms`;
    const isWrite = COMMANDS[command].effect === 'write';
    const upstreamsFault = allottedMs >= Math.min(timeoutMs, UPSTREAM_PATIENCE_MS);
    if (upstreamsFault) report(`${command} timeout`, message, { command });
    return {
      error: new TransportFailure(command, 'timeout', { code: 'UPSTREAM_TIMEOUT', message, mayHaveHappened: isWrite }),
      retry: isWrite ? 'never' : 'backoff',
      health: upstreamsFault ? 'failed' : 'unknown',
      firstWaitMs: FIRST_WAIT_MS,
    };
  }

  return attempt;
}

/** Short, and without a word of the upstream's. */
function nameOf(answer: Answer): string {
  if (answer.kind === 'success') return 'ok';
  return answer.kind === 'refusal' ? String(answer.errorCode) : answer.reason;
}

function tooLate(command: Command): TransportFailure {
  const message = 'there is no time left to ask the upstream';
  return new TransportFailure(command, 'deadline', { code: 'UPSTREAM_TIMEOUT', message });
}

// Nobody reads this one, unless the reason itself is meant for a client.
function cancelled(command: Command, { signal }: CallOptions): GatewayError {
  if (signal.reason instanceof GatewayError) return signal.reason;
  return new TransportFailure(command, 'cancelled', { message: 'nobody waits for the answer any more' });
}
