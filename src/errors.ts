/**
 * The public error codes of this API, in `extensions.code` (documented in `schema/README.md`).
 * Adding one is easy, renaming one breaks clients. GraphQL's and Yoga's own codes come on top.
 */
export type ErrorCode =
  | 'BAD_USER_INPUT'
  | 'INVALID_CURSOR'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'USER_NOT_FOUND'
  | 'FEATURE_NOT_ENABLED'
  | 'THROTTLED'
  | 'UPSTREAM_TIMEOUT'
  | 'UPSTREAM_UNAVAILABLE'
  | 'UPSTREAM_MISCONFIGURED'
  | 'OPERATION_TOO_EXPENSIVE'
  | 'DOCUMENT_NOT_TRUSTED'
  | 'PERSISTED_QUERY_NOT_FOUND'
  | 'PERSISTED_QUERY_NOT_SUPPORTED';

/** What the upstream said, as far as a client may know it: `extensions.upstream`. Never holds a secret. */
export type UpstreamFault = {
  /** The upstream's command, for example `follow_get`. */
  command: string;
  /** The upstream's `ErrorCode`; absent when it gave no answer that could be read. */
  errorCode?: number;
  /** Whether the same request may succeed later without a change. */
  retryable: boolean;
  /** Milliseconds after which another try makes sense, when that is known. */
  retryAfterMs?: number;
};

/** An expected failure with a public code. Anything else that is thrown is our bug and is masked. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly code: ErrorCode;
  readonly upstream: UpstreamFault | undefined;
  /** Of a change that failed: whether it may have been made all the same, since the call's end is not known. */
  readonly mayHaveHappened: boolean;

  constructor(code: ErrorCode, message: string, options: { upstream?: UpstreamFault; mayHaveHappened?: boolean } = {}) {
    super(message);
    this.code = code;
    this.upstream = options.upstream;
    this.mayHaveHappened = options.mayHaveHappened ?? false;
  }
}

/** What a read came to: anything but a GatewayError is our bug, and surfaces as one. */
export async function outcomeOf<T>(read: () => T | Promise<T>): Promise<T | GatewayError> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
}

/** Settings that cannot be used, each named with what is wrong. Values of secrets are never part of it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const count = problems.length === 1 ? '1 setting is' : `${problems.length} settings are`;
    super(`${count} wrong:\n${problems.map((problem) => `  ${problem}\n`).join('')}`);
    this.problems = problems;
  }
}

/** Arguments that a command does not understand. */
export class UsageError extends Error {}

/** What a command could not do, in words for the operator. */
export class CommandFailure extends Error {}

/** The one wording for an account that the app does not have. */
export const noSuchAccount = (userId: string): string => `There is no account "${userId}".`;
