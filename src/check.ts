// The command `check`: looks at everything that the settings lead to, and says what is wrong and what to do.
import { systemClock } from './clock.ts';
import { type Config, type Environment, readConfig } from './config.ts';
import { ConfigError } from './errors.ts';
import { checkRedis } from './redis.ts';
import { createLog } from './telemetry/log.ts';
import { createTencentClient } from './tencent/client.ts';
import { diagnose } from './tencent/diagnose.ts';
import { webhookPathOf } from './webhooks.ts';

/** `problem` says what is wrong and what to do; null when nothing is. */
type Finding = { subject: string; problem: string | null; note?: string };

const DEADLINE_MS = 10_000;
/** The upstream and its webhooks believe a clock that differs by less than a minute (CONTRACT 7.2). */
const MAX_CLOCK_DIFFERENCE_MS = 30_000;

/** Runs the command; resolves with whether all is right. */
export async function check(env: Environment, print: (text: string) => void): Promise<boolean> {
  const config = readConfig(env);
  let isRight = true;
  const looks = [checkClock, checkUpstream, checkCache, checkIssuer, checkDocuments];
  for (const look of looks) {
    const { subject, problem, note = '' } = await look(config);
    print(problem === null ? `right  ${subject}${note && `: ${note}`}\n` : `WRONG  ${subject}: ${problem}\n`);
    isRight &&= problem === null;
  }
  print(webhookSteps(webhookPathOf(config)));
  return isRight;
}

async function checkClock({ tencent }: Config): Promise<Finding> {
  const subject = 'clock';
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const response = await fetch(tencent.baseUrl, { method: 'HEAD', redirect: 'manual', signal }).catch(() => null);
  const upstreamTime = Date.parse(response?.headers.get('date') ?? '');
  if (Number.isNaN(upstreamTime)) return { subject, problem: null, note: 'the upstream tells no time to compare with' };
  const difference = systemClock.now() - upstreamTime;
  const seconds = Math.round(Math.abs(difference) / 1000);
  if (seconds * 1000 < MAX_CLOCK_DIFFERENCE_MS) return { subject, problem: null };
  return { subject, problem: `it is ${seconds} s ${difference > 0 ? 'ahead of' : 'behind'} the upstream's. Set it.` };
}

async function checkUpstream({ tencent, profileCustomFields: customFields }: Config): Promise<Finding> {
  const client = createTencentClient({ ...tencent, clock: systemClock });
  const diagnosis = await diagnose(client, { adminId: tencent.adminId, customFields, clock: systemClock });
  await client.close();
  const fields = customFields.map((field) => `, profile field ${field}`).join('');
  const subject = `upstream at ${new URL(tencent.baseUrl).host}, follow feature${fields}`;
  if (diagnosis.ok) return { subject, problem: null, note: `${diagnosis.explanation} in ${diagnosis.tookMs} ms` };
  return { subject, problem: `${diagnosis.explanation}.\n       ${diagnosis.remedy}` };
}

async function checkCache({ redis }: Config): Promise<Finding> {
  const subject = 'Redis';
  if (!redis)
    return { subject, problem: null, note: 'not set; one replica alone keeps its cache and its budget in memory' };
  try {
    return { subject, problem: null, note: await checkRedis(redis.nodes) };
  } catch (error) {
    if (error instanceof ConfigError) return { subject, problem: error.problems.join(' ') };
    throw error;
  }
}

async function checkIssuer({ auth: { jwt } }: Config): Promise<Finding> {
  const subject = "issuer's keys";
  if (!jwt) return { subject, problem: null, note: 'none, since AUTH does not name jwt' };
  try {
    const response = await fetch(jwt.jwksUrl, { redirect: 'error', signal: AbortSignal.timeout(DEADLINE_MS) });
    const { keys } = (await response.json()) as { keys?: unknown };
    if (response.ok && Array.isArray(keys) && keys.length > 0)
      return { subject, problem: null, note: `${keys.length}` };
    return { subject, problem: 'what JWT_JWKS_URL leads to is no set of keys. Take the jwks_uri of the issuer.' };
  } catch {
    return {
      subject,
      problem: 'JWT_JWKS_URL leads to nothing that answers with JSON. Take the jwks_uri of the issuer.',
    };
  }
}

async function checkDocuments(config: Config): Promise<Finding> {
  const subject = 'trusted documents';
  const { mode, path } = config.trustedDocuments;
  if (mode === 'off') return { subject, problem: null, note: 'TRUSTED_DOCUMENTS is off, all documents run' };
  const { createGateway } = await import('./server.ts');
  try {
    createGateway(config, { log: createLog('silent') }).destroy();
    return { subject, problem: null, note: `those of schema/operations${path === null ? '' : ` and of ${path}`}` };
  } catch (error) {
    if (error instanceof ConfigError) return { subject, problem: error.problems.join('\n       ') };
    throw error;
  }
}

/** What to set in the upstream's console. The token is not part of it. */
function webhookSteps(path: string | null): string {
  if (path === null) return 'unset  webhooks: set WEBHOOK_TOKEN to a token of your choice, and run check again\n';
  return `right  webhooks: at the path below

For webhooks, in the Chat console under Webhook Configuration:

  1. Set the webhook URL to the address at which the upstream reaches this gateway, followed by
       ${path}
  2. Switch authentication on, with the value of WEBHOOK_TOKEN as its token.
  3. Switch on: after a user is followed, after a user is unfollowed, after a profile is updated (and the
     subscription of user profile changes), and the alarm of API calls over their limit.
`;
}
