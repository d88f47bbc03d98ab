// Real calls, and plain words for what is wrong: what an operator sees before the first client does.
import type { Clock } from '../clock.ts';
import { GatewayError, outcomeOf } from '../errors.ts';
import { createUserSearch } from './account-service.ts';
import type { TencentClient } from './client.ts';
import { findErrorRule } from './error-table.ts';
import { createFollowService } from './follow-service.ts';
import { CUSTOM_TAG_PREFIX } from './profile.ts';
import { NO_SUCH_TAG } from './profile-service.ts';
import { isRefusal, TransportFailure } from './upstream-errors.ts';

/** What the settings lead to. `code` is the upstream's error code, or the short name of a transport failure. */
export type Diagnosis =
  | { ok: true; explanation: string; tookMs: number }
  | { ok: false; code: number | string | undefined; explanation: string; remedy: string };

type Advice = readonly [explanation: string, remedy: string];

const DEADLINE_MS = 10_000;
const BUY_SEARCH =
  'Cloud search is a paid plug-in with a switch in the console, for China and Singapore alone: see to both, or set USER_SEARCH=off.';

/**
 * Asks for the admin's own counts, which needs everything that the gateway needs, then for each of the app's own profile
 * fields, since a wrong one costs them all (CONTRACT 6.1), then searches for the admin where that is wanted, and explains the outcome.
 */
export async function diagnose(
  client: Pick<TencentClient, 'call'>,
  options: { adminId: string; customFields: readonly string[]; userSearch: boolean; clock: Clock },
): Promise<Diagnosis> {
  const { adminId, customFields, userSearch, clock } = options;
  const startedAt = clock.now();
  const call = { signal: new AbortController().signal, deadlineAt: startedAt + DEADLINE_MS };
  const counts = await createFollowService(client, { onBehalfOf: adminId }).readCounts([adminId], call);
  const tookMs = clock.now() - startedAt;
  const outcome = counts.get(adminId);
  if (outcome instanceof GatewayError) return diagnoseFailure(outcome);
  const missing: string[] = [];
  for (const key of customFields) {
    const request = { To_Account: [adminId], TagList: [`${CUSTOM_TAG_PREFIX}${key}`] };
    await client.call('portrait_get', request, call).catch((error) => {
      if (isRefusal(error, NO_SUCH_TAG)) missing.push(key);
    });
  }
  const found = userSearch ? await outcomeOf(() => createUserSearch(client)([adminId], '', call)) : null;
  if (found instanceof GatewayError) {
    const failure = diagnoseFailure(found);
    return { ...failure, explanation: `user search: ${failure.explanation}`, remedy: BUY_SEARCH };
  }
  if (missing.length === 0) return { ok: true, explanation: 'the upstream answers', tookMs };
  return {
    ok: false,
    code: NO_SUCH_TAG,
    explanation: `the app has no profile field ${missing.join(', ')}`,
    remedy: 'Create the field in the console, or take it out of PROFILE_CUSTOM_FIELDS; the rest works.',
  };
}

/** Explains why a call failed, and what can be done. */
export function diagnoseFailure(error: GatewayError): Diagnosis & { ok: false } {
  const code = error.upstream?.errorCode ?? (error instanceof TransportFailure ? error.reason : undefined);
  const [explanation, remedy] = adviceFor(code);
  return { ok: false, code, explanation, remedy };
}

function adviceFor(code: number | string | undefined): Advice {
  if (typeof code === 'string') return ADVICE.find(([reasons]) => reasons.test(code))?.[1] ?? NO_ANSWER;
  if (code === undefined) return NO_ANSWER;
  const { note, remedy, publicCode } = findErrorRule(code);
  if (publicCode === 'USER_NOT_FOUND')
    return [`the account that signs does not exist: ${note}`, 'Import TENCENT_ADMIN, or name an admin that exists.'];
  return [
    `the upstream refuses the call with ${code}: ${note}`,
    remedy ?? "Look the code up in the vendor's error code list, and try again later.",
  ];
}

const NO_ANSWER: Advice = [
  'the host gives no answer that can be read',
  "Check that TENCENT_BASE_URL, or TENCENT_REGION, names the upstream's REST API and that no proxy answers for it.",
];

const ADVICE: readonly (readonly [reasons: RegExp, Advice])[] = [
  [
    /^(ENOTFOUND|EAI_AGAIN)$/,
    ["the host's name cannot be resolved", "Check the machine's DNS, and TENCENT_BASE_URL if it is set."],
  ],
  [
    /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT)$/,
    ['the host cannot be reached', 'Let this machine out to port 443 of it, and check TENCENT_BASE_URL if it is set.'],
  ],
  [
    /^(timeout|deadline)$/,
    ['the upstream takes too long', 'Use a machine nearer to the region, or raise UPSTREAM_TIMEOUT_MS above 3000.'],
  ],
  [
    /CERT|SIGNATURE|TLS|SSL/,
    [
      "the host's TLS certificate is not trusted",
      'Check for a proxy that intercepts TLS, and give Node its certificate in NODE_EXTRA_CA_CERTS.',
    ],
  ],
];
