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
  /** Who can mend it: the caller, the upstream itself, the operator in the console, or this gateway's code. */
  readonly fault: 'caller' | 'upstream' | 'operator' | 'gateway';
  /** When another try makes sense, where that is known. */
  readonly retryAfterMs?: number;
  /** The upstream wants no call at all before that. */
  readonly pauses?: true;
  readonly note: string;
  /** The operator's remedy. */
  readonly remedy?: string | undefined;
};

type Kind = Omit<ErrorRule, 'note' | 'remedy'>;

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
// Nothing tells when a period is over.
const usedUp: Kind = { publicCode: 'THROTTLED', retry: 'never', fault: 'operator', throttled: true, undone: true };
// The upstream counts by the second and documents no hint of when to come back (CONTRACT 1.6).
const throttled: Kind = { ...usedUp, retry: 'backoff', fault: 'gateway', retryAfterMs: 1000 };

// One item's 30001, 30002 or 40001 can only be about the account that the caller named.
const aboutItem = { itemCode: 'BAD_USER_INPUT' } as const;

const CHECK_KEY = 'Copy TENCENT_SECRET_KEY again from the console, from the same app as TENCENT_SDK_APP_ID.';
const CHECK_APP = "Check TENCENT_SDK_APP_ID, and that TENCENT_REGION is the app's data centre.";
const CHECK_REGION = "Set TENCENT_REGION to the app's data centre, as the console shows it.";
const CHECK_ADMIN = 'Make TENCENT_ADMIN an admin of the app in the console, or name one that is.';
const CHECK_QUERY = 'Check TENCENT_SDK_APP_ID and TENCENT_ADMIN; no proxy may rewrite the query.';
const CHECK_FEATURE =
  'It needs the Pro edition or more, and in the console the switch Friends and Relationship Chains > Follow / Fan.';
const CHECK_ADDRESS = "Add this machine's public address to the allowed addresses in the console.";
const CHECK_STATE = "Check the app's state in the console, and ask the vendor's support.";
const CHECK_PLAN = 'Wait for the next period, or move to a paid edition.';
const CHECK_RATE = 'Something else uses the same app: find it, or lower UPSTREAM_RATE.';

const ROWS: readonly (readonly [codes: readonly number[], kind: Kind, note: string, remedy?: string])[] = [
  // Follow, and blocklists (CONTRACT 8.1, 10)
  [[30001, 40001], { ...ours, ...aboutItem }, 'request parameters refused'],
  [[30002], { ...operators, ...aboutItem }, 'the upstream does not know this SDKAppID', CHECK_APP],
  [[30003, 40003, 70107], notFound, 'account not imported'],
  [[30004, 40004, 60010, 70403, 90009], operators, 'the account that signs is not an app admin', CHECK_ADMIN],
  [[30005], notEnabled, 'the app has no follow feature', CHECK_FEATURE],
  [[30006, 40006, 70500, 90992, 90994, 90995, 91000], failing, 'internal error'],
  [[30007, 60008, 60014, 70169, 70202], timedOut, 'internal timeout'],
  [[30008], { ...failing, undone: true }, 'concurrent writes conflict'],
  [[32100, 32102, 30013], forbidden, 'the list of follows or mutuals, or the blocklist, is full'],
  [[32101, 32103], forbidden, "the target's list of fans or mutuals is full"],

  // Profiles (CONTRACT 8.2)
  [[40005], forbidden, 'sensitive words'],
  [[40008], operators, 'no permission to write a profile field', 'Let admins write the field in the console.'],
  [[40601, 40605, 40610], { ...ours, publicCode: 'BAD_USER_INPUT' }, 'the value of a profile field refused'],
  [[40002], ours, 'no account named'],
  [[40007], operators, 'no permission to read a profile field'],
  [[40009], operators, 'no such profile tag'],

  // Access layer (CONTRACT 8.3)
  [[60002, 60003, 60009, 60015], ours, 'the form of the request refused'],
  // The editions of the documents disagree about these two: a fresh UserSig serves both readings.
  [[60004, 60005], expired, 'account or signature check failed', CHECK_KEY],
  [[60007, 60011, 60018, 60019], throttled, 'the upstream is asked too often', CHECK_RATE],
  [[60012], ours, 'the query lacks the SDKAppID', CHECK_QUERY],
  [[60013], { ...failing, retry: 'once' }, "the upstream could not read its own service's answer"],
  [[60016, 60017, 60027, 70051], operators, 'the app, its admin account or this API is disabled', CHECK_STATE],
  [[60020], operators, "the app's plan is missing, expired or in arrears", 'Renew the plan in the console.'],
  [[60021], operators, 'the upstream does not accept calls from this IP address', CHECK_ADDRESS],
  [[60022], failing, 'service overloaded'],
  [[60025], operators, 'sdkappid, identifier, usersig or contenttype is wrong', CHECK_QUERY],
  [[60026, 70016], operators, 'the host serves another data centre than the one of this app', CHECK_REGION],
  [[60028], { ...usedUp, retryAfterMs: 3_600_000 }, "the trial edition's volume of 24 hours is used up", CHECK_PLAN],

  // Accounts, signatures and presence (CONTRACT 8.4, 11)
  [[70001], expired, 'the signature counts as expired', "Set this machine's clock."],
  [[70002, 70003, 70005], operators, 'the signature is refused', CHECK_KEY],
  [[70009], operators, 'the secret key does not belong to this SDKAppID', CHECK_KEY],
  [[70013, 70014], operators, 'the account or the app is not the one in the signature', CHECK_QUERY],
  [[60006, 70020], operators, 'the upstream does not know this SDKAppID', CHECK_APP],
  [[70050], { ...operators, retryAfterMs: 60_000, pauses: true }, 'the signature was refused too often', CHECK_KEY],
  [[70114], { ...usedUp, fault: 'gateway' }, 'restricted for security reasons', CHECK_RATE],
  [[70398], operators, 'the app has as many accounts as its plan allows', CHECK_PLAN],
  [[70206, 70402, 90001, 90003, 90011], ours, 'request parameters refused'],
  [[72001], notEnabled, 'the app has no online status'],
  [[72000, 72002], operators, "the free plan's active users are exceeded", CHECK_PLAN],
];

export const ERROR_TABLE: ReadonlyMap<number, ErrorRule> = new Map(
  ROWS.flatMap(([codes, kind, note, remedy]) => codes.map((code) => [code, { ...kind, note, remedy }] as const)),
);

const UNKNOWN: ErrorRule = { ...failing, retry: 'once', note: 'a code that the contract does not know' };

/** Codes of the app's own, by which its webhook refuses a change of a relationship (CONTRACT 8.1). */
const APPS_OWN: ErrorRule = { ...forbidden, note: "refused by the app's own relationship webhook" };

/** Finds what is known about an `ErrorCode` or `ResultCode`. */
export function findErrorRule(code: number): ErrorRule {
  if (code >= 38000 && code <= 39000) return APPS_OWN;
  return ERROR_TABLE.get(code) ?? UNKNOWN;
}
