// The upstream's failures as GatewayErrors: a sentence for people, the command and the number in `upstream`, the reason
// for the log. None keeps a cause: undici's errors and ours may know the URL, hence the UserSig.
import { type ErrorCode, GatewayError, noSuchAccount } from '../errors.ts';
import { findErrorRule } from './error-table.ts';
import { COMMANDS, type Command } from './wire.ts';

/** The upstream answered, and the answer is no. */
export class UpstreamRefusal extends GatewayError {
  /** The upstream's diagnostic text, without secrets. For operators, never for clients. */
  readonly errorInfo: string;

  /** `account`: the refusal is about this account of a batch, and the others were processed. */
  constructor(
    command: Command,
    errorCode: number,
    errorInfo: string,
    { account, retryAfterMs: knownMs }: { account?: string; retryAfterMs?: number } = {},
  ) {
    const rule = findErrorRule(errorCode);
    const code = (account === undefined ? undefined : rule.itemCode) ?? rule.publicCode;
    const retryAfterMs = knownMs ?? rule.retryAfterMs;
    const isMissing = code === 'USER_NOT_FOUND' && account !== undefined;
    super(code, isMissing ? noSuchAccount(account) : sentenceFor(code), {
      upstream: {
        command,
        errorCode,
        retryable: rule.retry === 'backoff' || rule.retry === 'once' || retryAfterMs !== undefined,
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      },
      mayHaveHappened: COMMANDS[command].effect === 'write' && rule.fault === 'upstream' && !rule.undone,
    });
    this.errorInfo = errorInfo;
  }
}

/** Whether a call was refused with this code of the upstream's. */
export function isRefusal(error: unknown, code: number): error is UpstreamRefusal {
  return error instanceof UpstreamRefusal && error.upstream?.errorCode === code;
}

/** Whether a call, or an item of it, was refused for what it asks: neither another try nor an operator can mend that. */
export function isAboutRequest(error: unknown): error is GatewayError {
  if (!(error instanceof GatewayError)) return false;
  const { fault, throttled } = findErrorRule(error.upstream?.errorCode ?? 0);
  return error.code === 'BAD_USER_INPUT' || fault === 'caller' || (fault === 'gateway' && !throttled);
}

/** The upstream gave no answer that could be read. */
export class TransportFailure extends GatewayError {
  /** A short name of what went wrong: a system error code, `HTTP 502`, `timeout`. For operators, never for clients. */
  readonly reason: string;

  constructor(
    command: Command,
    reason: string,
    { retryAfterMs, mayHaveHappened }: { retryAfterMs?: number; mayHaveHappened?: boolean } = {},
  ) {
    const code = reason === 'timeout' || reason === 'deadline' ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_UNAVAILABLE';
    super(code, sentenceFor(code), {
      upstream: { command, retryable: true, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
      mayHaveHappened,
    });
    this.reason = reason;
  }
}

/** A successful envelope around something that the contract does not allow. */
export function malformedAnswer(command: Command, what: string): TransportFailure {
  return new TransportFailure(command, `malformed: ${what}`, { mayHaveHappened: COMMANDS[command].effect === 'write' });
}

const sentenceFor = (code: ErrorCode): string => SENTENCES[code] ?? 'The upstream could not serve this.';

const SENTENCES: Partial<Record<ErrorCode, string>> = {
  BAD_USER_INPUT: 'The upstream does not accept this value.',
  FORBIDDEN: 'The upstream does not allow this.',
  USER_NOT_FOUND: 'There is no such account.',
  FEATURE_NOT_ENABLED: 'The app does not have this feature.',
  THROTTLED: 'Too much is asked of the upstream just now. Try again in a moment.',
  UPSTREAM_TIMEOUT: 'The upstream took too long to answer. Try again in a moment.',
  UPSTREAM_UNAVAILABLE: 'The upstream gave no answer that can be used. Try again in a moment.',
  UPSTREAM_MISCONFIGURED: "The upstream does not accept this gateway's configuration.",
};
