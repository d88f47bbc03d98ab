// One real call, and plain words for what is wrong: what an operator sees before the first client does.
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { TencentClient } from './client.ts';
import { findErrorRule } from './error-table.ts';
import { createFollowService } from './follow-service.ts';
import { TransportFailure } from './upstream-errors.ts';

/** What the settings lead to. `code` is the upstream's error code, or the short name of a transport failure. */
export type Diagnosis =
  | { ok: true; explanation: string; tookMs: number }
  | { ok: false; code: number | string | undefined; explanation: string; remedy: string };

type Advice = { explanation: string; remedy: string };

const DEADLINE_MS = 10_000;

/** Asks for the admin's own counts, which needs everything that the gateway needs, and explains the outcome. */
export async function diagnose(
  client: Pick<TencentClient, 'call'>,
  options: { adminId: string; clock: Clock; signal?: AbortSignal },
): Promise<Diagnosis> {
  const { adminId, clock, signal = new AbortController().signal } = options;
  const startedAt = clock.now();
  const service = createFollowService(client, { onBehalfOf: adminId });
  const counts = await service.readCounts([adminId], { signal, deadlineAt: startedAt + DEADLINE_MS });
  const outcome = counts.get(adminId);
  if (!(outcome instanceof GatewayError)) {
    return { ok: true, explanation: 'the upstream answers', tookMs: clock.now() - startedAt };
  }
  const code = outcome.upstream?.errorCode ?? (outcome instanceof TransportFailure ? outcome.reason : undefined);
  return { ok: false, code, ...adviceFor(code) };
}

function adviceFor(code: number | string | undefined): Advice {
  if (code === undefined) return NO_ANSWER;
  const advice = ADVICE.find(({ codes }) => codes.includes(code));
  if (advice !== undefined) return { explanation: advice.explanation, remedy: advice.remedy };
  if (typeof code === 'string') return /CERT|SIGNATURE|TLS|SSL/.test(code) ? BAD_CERTIFICATE : NO_ANSWER;
  return {
    explanation: `the upstream refuses the call with ${code}: ${findErrorRule(code).note}`,
    remedy: "Look the code up in the vendor's error code list, and try again later.",
  };
}

const BAD_CERTIFICATE: Advice = {
  explanation: "the host's TLS certificate is not trusted",
  remedy: 'Check for a proxy that intercepts TLS, and give Node its certificate in NODE_EXTRA_CA_CERTS.',
};

const NO_ANSWER: Advice = {
  explanation: 'the host gives no answer that can be read',
  remedy:
    "Check that TENCENT_BASE_URL, or TENCENT_REGION, names the upstream's REST API and that no proxy answers for it.",
};

const ADVICE: readonly (Advice & { codes: readonly (number | string)[] })[] = [
  {
    codes: ['ENOTFOUND', 'EAI_AGAIN'],
    explanation: "the host's name cannot be resolved",
    remedy: "Check TENCENT_BASE_URL and the machine's DNS; where DNS is tampered with, use the region's backup host.",
  },
  {
    codes: ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT'],
    explanation: 'the host cannot be reached',
    remedy: 'Check TENCENT_BASE_URL, and that the firewall lets this machine out to port 443.',
  },
  {
    codes: ['timeout', 'deadline', 30007, 60008, 60014],
    explanation: 'the upstream takes too long',
    remedy: 'Try again; if it stays so, use a machine nearer to the region, or raise UPSTREAM_TIMEOUT_MS above 3000.',
  },
  {
    codes: [70009, 70003, 70002, 70005, 60004, 60005],
    explanation: 'the signature is refused: the secret key does not belong to this SDKAppID',
    remedy: 'Copy TENCENT_SECRET_KEY again from the console, from the same app as TENCENT_SDK_APP_ID.',
  },
  {
    codes: [70001],
    explanation: 'the signature counts as expired although it is new',
    remedy: "Set this machine's clock.",
  },
  {
    codes: [70050],
    explanation: 'the signature was refused too often',
    remedy: 'Mend TENCENT_SECRET_KEY first, then wait a minute.',
  },
  {
    codes: [70013, 70014, 60025, 60012],
    explanation: 'the account or the app in the URL is not the one in the signature',
    remedy: 'Check TENCENT_SDK_APP_ID and TENCENT_ADMIN; no proxy may rewrite the query.',
  },
  {
    codes: [70020, 60006, 30002],
    explanation: 'the upstream does not know this SDKAppID',
    remedy: "Check TENCENT_SDK_APP_ID, and that TENCENT_REGION is the app's data centre.",
  },
  {
    codes: [60026, 70016],
    explanation: 'the host serves another data centre than the one of this app',
    remedy: "Set TENCENT_REGION to the app's data centre, as the console shows it.",
  },
  {
    codes: [60010, 30004, 40004, 70403],
    explanation: 'the account that signs is not an app admin',
    remedy: 'Make TENCENT_ADMIN an admin of the app in the console, or name one that is.',
  },
  {
    codes: [30003, 40003, 70107],
    explanation: 'the account that signs does not exist in this app',
    remedy: 'Import the account named by TENCENT_ADMIN, or name an admin that exists.',
  },
  {
    codes: [30005],
    explanation: 'the app has no follow feature',
    remedy:
      'It needs the Pro, Pro-plus or Enterprise edition, and the switch Configuration > Friends and Relationship Chains > Follow / Fan in the console.',
  },
  {
    codes: [60020],
    explanation: "the app's plan is missing, expired or in arrears",
    remedy: 'Renew the plan in the console.',
  },
  {
    codes: [60021],
    explanation: 'the upstream does not accept calls from this IP address',
    remedy: "Add this machine's public address to the allowed addresses in the console.",
  },
  {
    codes: [60016, 60017, 60027, 70051],
    explanation: 'the app, its admin account or this API is disabled',
    remedy: "Check the app's state in the console, and ask the vendor's support.",
  },
  {
    codes: [60028, 72000, 72002],
    explanation: "the free edition's volume is used up",
    remedy: 'Wait for the next period, or move to a paid edition.',
  },
  {
    codes: [60007, 60011, 60018, 60019, 70114],
    explanation: 'the upstream is asked too often',
    remedy: 'Something else uses the same app: find it, or lower UPSTREAM_RATE.',
  },
];
