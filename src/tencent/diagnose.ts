// Real calls, and plain words for what is wrong: what an operator sees before the first client does.
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { TencentClient } from './client.ts';
import { findErrorRule } from './error-table.ts';
import { createFollowService } from './follow-service.ts';
import { CUSTOM_TAG_PREFIX } from './profile.ts';
import { isRefusal, NO_SUCH_TAG } from './profile-service.ts';
import { TransportFailure } from './upstream-errors.ts';
import type { PortraitGetRequest } from './wire.ts';

/** What the settings lead to. `code` is the upstream's error code, or the short name of a transport failure. */
export type Diagnosis =
  | { ok: true; explanation: string; tookMs: number }
  | { ok: false; code: number | string | undefined; explanation: string; remedy: string };

type Advice = readonly [explanation: string, remedy: string];

const DEADLINE_MS = 10_000;

/**
 * Asks for the admin's own counts, which needs everything that the gateway needs, then for each of the app's own profile
 * fields, since a wrong one costs them all (CONTRACT 6.1), and explains the outcome.
 */
export async function diagnose(
  client: Pick<TencentClient, 'call'>,
  { adminId, customFields, clock }: { adminId: string; customFields: readonly string[]; clock: Clock },
): Promise<Diagnosis> {
  const startedAt = clock.now();
  const call = { signal: new AbortController().signal, deadlineAt: startedAt + DEADLINE_MS };
  const counts = await createFollowService(client, { onBehalfOf: adminId }).readCounts([adminId], call);
  const tookMs = clock.now() - startedAt;
  const outcome = counts.get(adminId);
  if (outcome instanceof GatewayError) {
    const code = outcome.upstream?.errorCode ?? (outcome instanceof TransportFailure ? outcome.reason : undefined);
    const [explanation, remedy] = adviceFor(code);
    return { ok: false, code, explanation, remedy };
  }
  const missing: string[] = [];
  for (const key of customFields) {
    const request: PortraitGetRequest = { To_Account: [adminId], TagList: [`${CUSTOM_TAG_PREFIX}${key}`] };
    await client.call('portrait_get', request, call).catch((error) => {
      if (isRefusal(error, NO_SUCH_TAG)) missing.push(key);
    });
  }
  if (missing.length === 0) return { ok: true, explanation: 'the upstream answers', tookMs };
  return {
    ok: false,
    code: NO_SUCH_TAG,
    explanation: `the app has no profile field ${missing.join(', ')}`,
    remedy: 'Create the field in the console, or take it out of PROFILE_CUSTOM_FIELDS; the rest works.',
  };
}

function adviceFor(code: number | string | undefined): Advice {
  const known = ADVICE.find(([codes]) => code !== undefined && codes.includes(code));
  if (known) return [known[1], known[2]];
  if (typeof code !== 'number') return /CERT|SIGNATURE|TLS|SSL/.test(code ?? '') ? BAD_CERTIFICATE : NO_ANSWER;
  return [
    `the upstream refuses the call with ${code}: ${findErrorRule(code).note}`,
    "Look the code up in the vendor's error code list, and try again later.",
  ];
}

const BAD_CERTIFICATE: Advice = [
  "the host's TLS certificate is not trusted",
  'Check for a proxy that intercepts TLS, and give Node its certificate in NODE_EXTRA_CA_CERTS.',
];

const NO_ANSWER: Advice = [
  'the host gives no answer that can be read',
  "Check that TENCENT_BASE_URL, or TENCENT_REGION, names the upstream's REST API and that no proxy answers for it.",
];

const ADVICE: readonly (readonly [codes: readonly (number | string)[], ...Advice])[] = [
  [
    ['ENOTFOUND', 'EAI_AGAIN'],
    "the host's name cannot be resolved",
    "Check TENCENT_BASE_URL and the machine's DNS; where DNS is tampered with, use the region's backup host.",
  ],
  [
    ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT'],
    'the host cannot be reached',
    'Check TENCENT_BASE_URL, and that the firewall lets this machine out to port 443.',
  ],
  [
    ['timeout', 'deadline', 30007, 60008, 60014],
    'the upstream takes too long',
    'Try again; if it stays so, use a machine nearer to the region, or raise UPSTREAM_TIMEOUT_MS above 3000.',
  ],
  [
    [70009, 70003, 70002, 70005, 60004, 60005],
    'the signature is refused: the secret key does not belong to this SDKAppID',
    'Copy TENCENT_SECRET_KEY again from the console, from the same app as TENCENT_SDK_APP_ID.',
  ],
  [[70001], 'the signature counts as expired although it is new', "Set this machine's clock."],
  [[70050], 'the signature was refused too often', 'Mend TENCENT_SECRET_KEY first, then wait a minute.'],
  [
    [70013, 70014, 60025, 60012],
    'the account or the app in the URL is not the one in the signature',
    'Check TENCENT_SDK_APP_ID and TENCENT_ADMIN; no proxy may rewrite the query.',
  ],
  [
    [70020, 60006, 30002],
    'the upstream does not know this SDKAppID',
    "Check TENCENT_SDK_APP_ID, and that TENCENT_REGION is the app's data centre.",
  ],
  [
    [60026, 70016],
    'the host serves another data centre than the one of this app',
    "Set TENCENT_REGION to the app's data centre, as the console shows it.",
  ],
  [
    [60010, 30004, 40004, 70403],
    'the account that signs is not an app admin',
    'Make TENCENT_ADMIN an admin of the app in the console, or name one that is.',
  ],
  [
    [30003, 40003, 70107],
    'the account that signs does not exist in this app',
    'Import the account named by TENCENT_ADMIN, or name an admin that exists.',
  ],
  [
    [30005],
    'the app has no follow feature',
    'It needs the Pro, Pro-plus or Enterprise edition, and the switch Configuration > Friends and Relationship Chains > Follow / Fan in the console.',
  ],
  [[60020], "the app's plan is missing, expired or in arrears", 'Renew the plan in the console.'],
  [
    [60021],
    'the upstream does not accept calls from this IP address',
    "Add this machine's public address to the allowed addresses in the console.",
  ],
  [
    [60016, 60017, 60027, 70051],
    'the app, its admin account or this API is disabled',
    "Check the app's state in the console, and ask the vendor's support.",
  ],
  [
    [60028, 72000, 72002],
    "the free edition's volume is used up",
    'Wait for the next period, or move to a paid edition.',
  ],
  [
    [60007, 60011, 60018, 60019, 70114],
    'the upstream is asked too often',
    'Something else uses the same app: find it, or lower UPSTREAM_RATE.',
  ],
];
