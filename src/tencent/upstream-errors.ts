// The upstream's failures as GatewayErrors. None keeps a cause: undici's errors and ours may know the URL, hence the UserSig.
import { type ErrorCode, GatewayError } from '../errors.ts';
import { COMMANDS } from './commands.ts';
import { type ErrorRule, findErrorRule } from './error-table.ts';
import type { Command } from './wire.ts';

/** The upstream answered, and the answer is no. */
export class UpstreamRefusal extends GatewayError {
  /** The upstream's diagnostic text, without secrets. For operators, never for clients. */
  readonly errorInfo: string;

  constructor(command: Command, errorCode: number, errorInfo: string, level: 'call' | 'item' = 'call') {
    const rule = findErrorRule(errorCode);
    const code = (level === 'item' ? rule.itemCode : undefined) ?? rule.publicCode;
    super(code, `${command}: ${MEANINGS[code]} (${errorCode})`, {
      upstream: {
        command,
        errorCode,
        retryable: isRetryable(rule),
        ...(rule.retryAfterMs === undefined ? {} : { retryAfterMs: rule.retryAfterMs }),
      },
      mayHaveHappened: COMMANDS[command].effect === 'write' && rule.fault === 'upstream' && !rule.undone,
    });
    this.errorInfo = errorInfo;
  }
}

/** The upstream gave no answer that could be read. */
export class TransportFailure extends GatewayError {
  /** A short name of what went wrong: a system error code, `HTTP 502`, `timeout`. */
  readonly reason: string;

  constructor(
    command: Command,
    reason: string,
    options: { code?: ErrorCode; message?: string; retryAfterMs?: number; mayHaveHappened?: boolean } = {},
  ) {
    const {
      code = 'UPSTREAM_UNAVAILABLE',
      message = `the upstream gave no usable answer (${reason})`,
      retryAfterMs,
      mayHaveHappened,
    } = options;
    super(code, `${command}: ${message}`, {
      upstream: { command, retryable: true, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
      mayHaveHappened,
    });
    this.reason = reason;
  }
}

/** A successful envelope around something that the contract does not allow. */
export function malformedAnswer(command: Command, what: string): TransportFailure {
  return new TransportFailure(command, 'malformed', {
    message: `the upstream's answer could not be read (${what})`,
    mayHaveHappened: COMMANDS[command].effect === 'write',
  });
}

function isRetryable(rule: Omit<ErrorRule, 'codes'>): boolean {
  return rule.retry === 'backoff' || rule.retry === 'once' || rule.retryAfterMs !== undefined;
}

const MEANINGS: Partial<Record<ErrorCode, string>> = {
  BAD_USER_INPUT: 'the upstream does not accept this value',
  FORBIDDEN: 'the upstream does not allow this',
  USER_NOT_FOUND: 'no such account',
  FEATURE_NOT_ENABLED: 'the app does not have this feature',
  THROTTLED: 'the upstream is asked too often',
  UPSTREAM_TIMEOUT: 'the upstream took too long',
  UPSTREAM_UNAVAILABLE: 'the upstream could not serve the call',
  UPSTREAM_MISCONFIGURED: "the upstream does not accept this gateway's configuration",
};
