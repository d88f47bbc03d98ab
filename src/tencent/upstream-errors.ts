// The upstream's failures as GatewayErrors: a sentence for people, the command and the number in `upstream`, the reason
// for the log. None keeps a cause: undici's errors and ours may know the URL, hence the UserSig.
import { type ErrorCode, GatewayError, noSuchAccount } from '../errors.ts';
import { isRecord, parseJson } from '../json.ts';
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

const CODES: Readonly<Record<string, ErrorCode>> = {
  ...{ timeout: 'UPSTREAM_TIMEOUT', deadline: 'UPSTREAM_TIMEOUT', 'too many calls': 'THROTTLED' },
};

/** The upstream was not asked, or gave no answer that could be read. */
export class TransportFailure extends GatewayError {
  /** A short name of what went wrong: a system error code, `HTTP 502`, `timeout`. For operators, never for clients. */
  readonly reason: string;

  constructor(
    command: Command,
    reason: string,
    { retryAfterMs, mayHaveHappened }: { retryAfterMs?: number; mayHaveHappened?: boolean } = {},
  ) {
    const code = CODES[reason] ?? 'UPSTREAM_UNAVAILABLE';
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

/**
 * Reads one HTTP answer: its envelope, or in short and without a word of the upstream's why there is none. Business errors
 * come with status 200; anything else is the network's.
 */
export function readEnvelope(status: number, bytes: Buffer): Record<string, unknown> | string {
  if (status !== 200) return `HTTP ${status}`;
  const text = bytes.toString('utf8');
  const body = parseJson(text, LONG_NUMBER.test(text) ? keepDigits : undefined);
  if (body === undefined) return 'not JSON';
  if (!isRecord(body) || !Number.isSafeInteger(body.ErrorCode)) return 'no ErrorCode';
  return body.ErrorCode === 0 && body.ActionStatus !== 'OK' ? 'ActionStatus is not OK' : body;
}

/** Where a number begins that may be too long; texts, which may be ids of as many digits, begin with a quotation mark. */
const LONG_NUMBER = /[:,[]\s*-?\d{16}/;

/** A whole number that no `number` can hold keeps its digits, as a text: the app's own fields hold ids. */
const keepDigits = (_key: string, value: unknown, { source = '' }: { source?: string } = {}) =>
  typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? source : value;

/** Whether a parsed JSON value is a whole number, 0 or more. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Unix seconds, also of a time in milliseconds, which has 13 digits; 0 for what is no time. */
export function readTime(time: unknown): number {
  if (!isCount(time)) return 0;
  const seconds = time >= 1e12 && time < 1e13 ? Math.floor(time / 1000) : time;
  return seconds < 1e11 ? seconds : 0;
}
