// The upstream's error codes that the gateway's commands can end with (CONTRACT 8), as data: what a client sees, what we
// do about it, whose it is.
import type { ErrorCode } from '../errors.ts';

/** `once` and `backoff` try again, `resign` does so with a fresh UserSig, `never` gives up. */
export type RetryPolicy = 'never' | 'once' | 'backoff' | 'resign';

export type ErrorRule = {
  readonly publicCode: ErrorCode;
  /** The public code when one item of a batch fails with it, where that differs. */
  readonly itemCode?: ErrorCode;
  readonly retry: RetryPolicy;
  /** Nothing was done, so that a write may go again too. */
  readonly undone?: true;
  /** A quota or a rate was exceeded. */
  readonly throttled?: true;
  /** Who can mend it: who asked, the upstream itself, who runs the app in the console, or this gateway's code. */
  readonly fault: 'caller' | 'upstream' | 'operator' | 'gateway';
  /** When another try makes sense, where that is known. */
  readonly retryAfterMs?: number;
  /** The upstream wants no call at all for so long. */
  readonly pauseMs?: number;
  readonly note: string;
};

type Kind = Omit<ErrorRule, 'note'>;

const notFound: Kind = { publicCode: 'USER_NOT_FOUND', retry: 'never', fault: 'caller' };
const forbidden: Kind = { publicCode: 'FORBIDDEN', retry: 'never', fault: 'caller' };
// Our requests are validated before they leave, so a refused form is our bug or a rule of the upstream's that we do not
// know, and no client can mend it.
const ours: Kind = { publicCode: 'UPSTREAM_UNAVAILABLE', retry: 'never', fault: 'gateway' };
const operators: Kind = { publicCode: 'UPSTREAM_MISCONFIGURED', retry: 'never', fault: 'operator' };
const expired: Kind = { ...operators, retry: 'resign', undone: true };
const notEnabled: Kind = { ...operators, publicCode: 'FEATURE_NOT_ENABLED' };
const failing: Kind = { publicCode: 'UPSTREAM_UNAVAILABLE', retry: 'backoff', fault: 'upstream' };
const timedOut: Kind = { ...failing, publicCode: 'UPSTREAM_TIMEOUT' };
// The upstream counts by the second and documents no hint of when to come back (CONTRACT 1.6).
const throttled: Kind = {
  ...{ publicCode: 'THROTTLED', retry: 'backoff', fault: 'gateway' },
  ...{ throttled: true, undone: true, retryAfterMs: 1000 },
};

// One item's 30001, 30002 or 40001 can only be about the account that the caller named.
const aboutItem = { itemCode: 'BAD_USER_INPUT' } as const;
const MINUTE_MS = 60_000;

const ROWS: readonly (readonly [codes: readonly number[], kind: Kind, note: string])[] = [
  // Follow (CONTRACT 8.1)
  [[30001, 40001], { ...ours, ...aboutItem }, 'request parameters refused'],
  [[30002], { ...operators, ...aboutItem }, 'SDKAppID mismatch, or an illegal account'],
  [[30003, 40003, 70107], notFound, 'account not imported'],
  [[30004, 40004, 60010, 70403], operators, 'the caller must be an app admin'],
  [[30005], notEnabled, 'follow feature not in the plan, or not switched on'],
  [[30006, 40006, 70500], failing, 'internal error'],
  [[30007, 70169, 70202], timedOut, 'internal timeout'],
  [[30008], { ...failing, undone: true }, 'concurrent writes conflict'],
  [[32100], forbidden, 'the list of follows is full'],
  [[32101], forbidden, "the target's list of fans is full"],
  [[32102], forbidden, 'the list of mutuals is full'],
  [[32103], forbidden, "the target's list of mutuals is full"],

  // Profiles (CONTRACT 8.2)
  [[40002], ours, 'no account named'],
  [[40007], operators, 'no permission to read a profile field'],
  [[40009], operators, 'no such profile tag'],

  // Access layer (CONTRACT 8.3)
  [[60002, 60003, 60009, 60012, 60015], ours, 'the form of the request refused'],
  // The editions of the documents disagree about the first two: a fresh UserSig serves both readings.
  [[60004, 60005], expired, 'account or signature check failed'],
  [[60006], operators, 'SDKAppID invalid'],
  [[60007, 60011, 60018, 60019], throttled, 'call rate exceeded'],
  [[60008, 60014], timedOut, 'service timeout'],
  [[60013], { ...failing, retry: 'once' }, "the upstream could not read its own service's answer"],
  [[60016, 60017], operators, 'SDKAppID or request disabled'],
  [[60020], operators, 'plan missing, expired or in arrears'],
  [[60021], operators, 'source IP not allowed'],
  [[60022], failing, 'service overloaded'],
  [[60025], operators, 'one of sdkappid, identifier, usersig or contenttype is wrong'],
  [[60026], operators, "the host does not serve the SDKAppID's data centre"],
  [[60027], operators, 'product type not allowed for this API'],
  [
    [60028],
    // Nothing tells when the 24 hours are over, so an hour is a guess that does no harm.
    { ...throttled, retry: 'never', fault: 'operator', retryAfterMs: 60 * MINUTE_MS },
    "the trial edition's volume of 24 hours is used up",
  ],

  // Accounts and signatures (CONTRACT 8.4)
  [[70001], expired, 'UserSig expired'],
  [[70002, 70003, 70005], operators, 'UserSig empty or illegal'],
  [[70009], operators, 'UserSig made with the wrong key or for another app'],
  [[70013], operators, 'UserSig made for another account'],
  [[70014], operators, 'UserSig made for another SDKAppID'],
  [[70016, 70020], operators, 'SDKAppID unknown, or wrong data centre'],
  [[70050], { ...operators, retryAfterMs: MINUTE_MS, pauseMs: MINUTE_MS }, 'UserSig refused too often'],
  [[70051], operators, 'the admin account is blocked'],
  [[70114], { ...throttled, retry: 'never' }, 'restricted for security reasons'],
  [[70206, 70402], ours, 'request parameters refused'],
  [[72000, 72002], operators, "the free plan's active users are exceeded"],
];

export const ERROR_TABLE: ReadonlyMap<number, ErrorRule> = new Map(
  ROWS.flatMap(([codes, kind, note]) => codes.map((code) => [code, { ...kind, note }] as const)),
);

/** The rule for every code that the table does not have. */
export const UNKNOWN_CODE_RULE: ErrorRule = {
  ...failing,
  retry: 'once',
  note: 'a code that the contract does not know',
};

/** Finds what is known about an `ErrorCode` or `ResultCode`. */
export function findErrorRule(code: number): ErrorRule {
  return ERROR_TABLE.get(code) ?? UNKNOWN_CODE_RULE;
}
