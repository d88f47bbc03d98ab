// The command `check`: looks at everything that the settings lead to, and says what is wrong and what to do.
import { systemClock } from './clock.ts';
import { type Config, type Environment, readConfig } from './config.ts';
import { ConfigError } from './errors.ts';
import { checkRedis } from './redis.ts';
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
  const findings = await Promise.all([checkClock(config), checkUpstream(config), checkCache(config)]);
  for (const { subject, problem, note = '' } of findings)
    print(problem === null ? `right  ${subject}${note && `: ${note}`}\n` : `WRONG  ${subject}: ${problem}\n`);
  print(webhookSteps(webhookPathOf(config)));
  return findings.every(({ problem }) => problem === null);
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
  const subject = `upstream${customFields.map((field) => `, profile field ${field}`).join('')}`;
  if (diagnosis.ok) return { subject, problem: null, note: `${diagnosis.explanation} in ${diagnosis.tookMs} ms` };
  return { subject, problem: `${diagnosis.explanation}.\n       ${diagnosis.remedy}` };
}

async function checkCache({ redis }: Config): Promise<Finding> {
  const subject = 'Redis';
  if (!redis)
    return { subject, problem: null, note: 'not set; one replica alone keeps its cache and its budget in memory' };
  try {
    await checkRedis(redis.nodes);
    return { subject, problem: null, note: 'it answers' };
  } catch (error) {
    if (error instanceof ConfigError) return { subject, problem: error.problems.join(' ') };
    throw error;
  }
}

/** What to set in the upstream's console. The token is not part of it. */
function webhookSteps(path: string | null): string {
  if (path === null) return 'unset  webhooks: set WEBHOOK_TOKEN to a token of your choice, and run check again\n';
  return `
For webhooks, in the Chat console under Webhook Configuration:

  1. Set the webhook URL to the address at which the upstream reaches this gateway, followed by
       ${path}
  2. Switch authentication on, with the value of WEBHOOK_TOKEN as its token.
  3. Switch on: after a user is followed, after a user is unfollowed, after a profile is updated (and the
     subscription of user profile changes), and the alarm of API calls over their limit.
`;
}
