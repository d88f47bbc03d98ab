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
  | 'OPERATION_TOO_EXPENSIVE';

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

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; upstream?: UpstreamFault } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.upstream = options.upstream;
  }
}
