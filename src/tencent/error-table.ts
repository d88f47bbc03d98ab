// Every error code of the upstream (contract, section 8), as data: what a client sees, what we do about it, whose it is.
import type { ErrorCode } from '../errors.ts';

/** `once` and `backoff` try again, `resign` does so with a fresh UserSig, `never` gives up. */
export type RetryPolicy = 'never' | 'once' | 'backoff' | 'resign';

/** Who can mend it: who asked, the upstream itself, whoever runs the app in the console, or this gateway's code. */
type Fault = 'caller' | 'upstream' | 'operator' | 'gateway';

export type ErrorRule = {
  /** The code, or the first and last of a range. */
  readonly codes: number | readonly [first: number, last: number];
  /** The public code when the whole call fails with it. */
  readonly publicCode: ErrorCode;
  /** The public code when one item of a batch fails with it, where that differs. */
  readonly itemCode?: ErrorCode;
  readonly retry: RetryPolicy;
  /** Nothing was done, so that a write may go again too. */
  readonly undone?: true;
  /** A quota or a rate was exceeded. */
  readonly throttled?: true;
  readonly fault: Fault;
  /** When another try makes sense, where that is known. */
  readonly retryAfterMs?: number;
  /** The upstream wants no call at all for so long. */
  readonly pauseMs?: number;
  readonly note: string;
};

type Extra = Pick<ErrorRule, 'itemCode' | 'undone' | 'retryAfterMs' | 'pauseMs'>;

const callers = (codes: ErrorRule['codes'], publicCode: ErrorCode, note: string): ErrorRule => ({
  codes,
  publicCode,
  retry: 'never',
  fault: 'caller',
  note,
});

// Our requests are validated before they leave, so a refused form is our bug or a rule of the upstream's that we do not
// know. No client can mend it, and the services promise GatewayErrors: hence UPSTREAM_UNAVAILABLE, not retryable, reported.
const ours = (codes: ErrorRule['codes'], note: string, extra: Extra = {}): ErrorRule => ({
  codes,
  publicCode: 'UPSTREAM_UNAVAILABLE',
  retry: 'never',
  fault: 'gateway',
  note,
  ...extra,
});

const operators = (
  codes: ErrorRule['codes'],
  note: string,
  extra: Extra & { retry?: RetryPolicy } = {},
): ErrorRule => ({
  codes,
  publicCode: 'UPSTREAM_MISCONFIGURED',
  retry: 'never',
  fault: 'operator',
  note,
  ...extra,
});

const notEnabled = (codes: ErrorRule['codes'], note: string): ErrorRule => ({
  ...operators(codes, note),
  publicCode: 'FEATURE_NOT_ENABLED',
});

const failing = (codes: ErrorRule['codes'], note: string, extra: Extra & { retry?: RetryPolicy } = {}): ErrorRule => ({
  codes,
  publicCode: 'UPSTREAM_UNAVAILABLE',
  retry: 'backoff',
  fault: 'upstream',
  note,
  ...extra,
});

const timedOut = (codes: ErrorRule['codes'], note: string): ErrorRule => ({
  ...failing(codes, note),
  publicCode: 'UPSTREAM_TIMEOUT',
});

// The upstream counts by the second and documents no hint of when to come back (contract 1.6).
const throttled = (codes: ErrorRule['codes'], note: string, extra: Partial<ErrorRule> = {}): ErrorRule => ({
  codes,
  publicCode: 'THROTTLED',
  retry: 'backoff',
  throttled: true,
  undone: true,
  fault: 'gateway',
  retryAfterMs: 1000,
  note,
  ...extra,
});

/** The table itself, in the order of the contract's section 8. */
export const ERROR_TABLE: readonly ErrorRule[] = [
  // 8.1 follow and relationships. One item's 30001 or 30002 can only be about the account that the caller named.
  ours(30001, 'request parameters refused', { itemCode: 'BAD_USER_INPUT' }),
  operators(30002, 'SDKAppID mismatch, or an illegal account', { itemCode: 'BAD_USER_INPUT' }),
  callers(30003, 'USER_NOT_FOUND', 'account not imported'),
  operators(30004, 'the caller must be an app admin'),
  notEnabled(30005, 'follow feature not in the plan, or not switched on'),
  failing(30006, 'internal error'),
  timedOut(30007, 'internal timeout'),
  failing(30008, 'concurrent writes conflict', { undone: true }),
  // The request is well formed and the account exists: what forbids it is a limit of the two users' lists.
  callers(32100, 'FORBIDDEN', 'the list of follows is full'),
  callers(32101, 'FORBIDDEN', "the target's list of fans is full"),
  callers(32102, 'FORBIDDEN', 'the list of mutuals is full'),
  callers(32103, 'FORBIDDEN', "the target's list of mutuals is full"),
  callers([38000, 39000], 'FORBIDDEN', "refused by the app's own relationship webhook"),

  // 8.2 profiles
  ours(40001, 'request parameters refused', { itemCode: 'BAD_USER_INPUT' }),
  ours(40002, 'no account named'),
  callers(40003, 'USER_NOT_FOUND', 'account not imported'),
  operators(40004, 'the caller must be an app admin'),
  callers(40005, 'BAD_USER_INPUT', 'sensitive words in a profile field'),
  failing(40006, 'internal error'),
  operators(40007, 'no permission to read a profile field'),
  operators(40008, 'no permission to write a profile field'),
  operators(40009, 'no such profile tag'),
  callers(40601, 'BAD_USER_INPUT', 'a profile value is longer than 500 bytes'),
  callers(40605, 'BAD_USER_INPUT', 'a standard profile field does not take this value'),
  callers(40610, 'BAD_USER_INPUT', 'a profile value of the wrong type'),

  // 8.3 access layer
  ours(60002, 'HTTP request refused'),
  ours(60003, 'request JSON refused'),
  // The two editions of the documents disagree about these: a fresh UserSig serves both readings.
  operators(60004, 'account or signature check failed', { retry: 'resign', undone: true }),
  operators(60005, 'account or signature check failed', { retry: 'resign', undone: true }),
  operators(60006, 'SDKAppID invalid'),
  throttled(60007, 'call rate exceeded'),
  timedOut(60008, 'service timeout'),
  ours(60009, 'no such command'),
  operators(60010, 'the caller must be an app admin'),
  throttled(60011, 'call rate of the app exceeded'),
  ours(60012, 'SDKAppID missing'),
  failing(60013, "the upstream could not read its own service's answer", { retry: 'once' }),
  timedOut(60014, 'account check timed out'),
  ours(60015, 'a UserID is not a string'),
  operators(60016, 'SDKAppID disabled'),
  operators(60017, 'request disabled'),
  throttled(60018, 'too frequent'),
  throttled(60019, 'too frequent'),
  operators(60020, 'plan missing, expired or in arrears'),
  operators(60021, 'source IP not allowed'),
  failing(60022, 'service overloaded'),
  operators(60025, 'one of sdkappid, identifier, usersig or contenttype is wrong'),
  operators(60026, "the host does not serve the SDKAppID's data centre"),
  operators(60027, 'product type not allowed for this API'),
  // Nothing tells when the 24 hours are over, so an hour is a guess that does no harm.
  throttled(60028, "the trial edition's volume of 24 hours is used up", {
    retry: 'never',
    fault: 'operator',
    retryAfterMs: 3_600_000,
  }),

  // 8.4 accounts and signatures
  operators(70001, 'UserSig expired', { retry: 'resign', undone: true }),
  operators(70002, 'UserSig empty'),
  operators(70003, 'UserSig illegal'),
  operators(70005, 'UserSig illegal'),
  operators(70009, 'UserSig made with the wrong key or for another app'),
  operators(70013, 'UserSig made for another account'),
  operators(70014, 'UserSig made for another SDKAppID'),
  operators(70016, 'public key missing, or wrong data centre'),
  operators(70020, 'SDKAppID unknown, or wrong data centre'),
  operators(70050, 'UserSig refused too often', { retryAfterMs: 60_000, pauseMs: 60_000 }),
  operators(70051, 'the admin account is blocked'),
  callers(70107, 'USER_NOT_FOUND', 'account not imported'),
  throttled(70114, 'restricted for security reasons', { retry: 'never' }),
  timedOut(70169, 'server timeout'),
  timedOut(70202, 'server timeout'),
  ours(70206, 'batch of a wrong size'),
  operators(70398, 'account quota reached'),
  operators(70399, 're-import of the account blocked'),
  ours(70402, 'request parameters refused'),
  operators(70403, 'the caller must be an app admin'),
  failing(70500, 'internal error'),
  operators(72000, "the free plan's daily active users are exceeded"),
  notEnabled(72001, 'user status not switched on'),
  operators(72002, "the free plan's monthly active users are exceeded"),
  notEnabled(72012, 'profile change subscription not switched on'),

  // 8.5 presence
  ours(90001, 'request JSON refused, or no account named'),
  ours(90003, 'accounts are not strings'),
  operators(90009, 'the caller must be an app admin'),
  ours(90011, 'more than 500 accounts'),
  timedOut(90992, 'backend timeout'),
  failing(90994, 'internal error'),
  failing(90995, 'internal error'),
  failing(91000, 'internal error'),
];

/** The rule for every code that the table does not have (contract 8.5, last line). */
export const UNKNOWN_CODE_RULE: Omit<ErrorRule, 'codes'> = {
  publicCode: 'UPSTREAM_UNAVAILABLE',
  retry: 'once',
  fault: 'upstream',
  note: 'a code that the contract does not know',
};

const bySingleCode = new Map(ERROR_TABLE.map((rule) => [rule.codes, rule]));
const ranges = ERROR_TABLE.filter((rule) => typeof rule.codes !== 'number');

/** Finds what is known about an `ErrorCode` or `ResultCode`. */
export function findErrorRule(code: number): Omit<ErrorRule, 'codes'> {
  const single = bySingleCode.get(code);
  if (single !== undefined) return single;
  const range = ranges.find(({ codes }) => typeof codes !== 'number' && codes[0] <= code && code <= codes[1]);
  return range ?? UNKNOWN_CODE_RULE;
}
