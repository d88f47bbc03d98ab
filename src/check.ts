// The command `check`: looks at everything that the settings lead to, and says what is wrong and what to do.
import { systemClock } from './clock.ts';
import { type Config, type Environment, readConfig } from './config.ts';
import { ConfigError } from './errors.ts';
import { checkRedis } from './redis/connect.ts';
import { createLog } from './telemetry/log.ts';
import { createTencentClient } from './tencent/client.ts';
import { diagnose } from './tencent/diagnose.ts';

const DEADLINE_MS = 10_000;
/** The upstream and its webhooks believe a clock that differs by less than a minute (CONTRACT 7.2). */
const MAX_CLOCK_DIFFERENCE_MS = 30_000;
const NEXT_LINE = '\n       ';

/** Runs the command; resolves with whether all is right. */
export async function check(env: Environment, print: (text: string) => void): Promise<boolean> {
  const config = readConfig(env);
  const { tencent, profileCustomFields, userSearch } = config;
  const fields =
    profileCustomFields.map((field) => `, profile field ${field}`).join('') + (userSearch ? ', user search' : '');
  /** Each answers with what it found, or throws a `ConfigError`: what is wrong, and what to do. */
  const looks: Record<string, (config: Config) => Promise<string>> = {
    clock: checkClock,
    [`upstream at ${new URL(tencent.baseUrl).host}, follow feature${fields}`]: checkUpstream,
    Redis: checkCache,
    "issuer's keys": checkIssuer,
    'schema, trusted documents': checkSchema,
  };
  let isRight = true;
  for (const [subject, look] of Object.entries(looks)) {
    try {
      const note = await look(config);
      print(`right  ${subject}${note && `: ${note}`}\n`);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      isRight = false;
      print(`WRONG  ${subject}: ${error.problems.join(NEXT_LINE)}\n`);
    }
  }
  print(webhookSteps(config.webhook));
  return isRight;
}

async function checkClock({ tencent }: Config): Promise<string> {
  const response = await ask(tencent.baseUrl, { method: 'HEAD', redirect: 'manual' });
  const upstreamTime = Date.parse(response?.headers.get('date') ?? '');
  if (Number.isNaN(upstreamTime)) return 'the upstream tells no time to compare with';
  const difference = systemClock.now() - upstreamTime;
  const seconds = Math.round(Math.abs(difference) / 1000);
  if (seconds * 1000 < MAX_CLOCK_DIFFERENCE_MS) return '';
  throw new ConfigError([`it is ${seconds} s ${difference > 0 ? 'ahead of' : 'behind'} the upstream's. Set it.`]);
}

async function checkUpstream({ tencent, profileCustomFields: customFields, userSearch }: Config): Promise<string> {
  const client = createTencentClient({ ...tencent, clock: systemClock });
  const { adminId } = tencent;
  const diagnosis = await diagnose(client, { adminId, customFields, userSearch, clock: systemClock });
  await client.close();
  if (diagnosis.ok) return `${diagnosis.explanation} in ${diagnosis.tookMs} ms`;
  throw new ConfigError([`${diagnosis.explanation}.`, diagnosis.remedy]);
}

const checkCache = async ({ redis }: Config): Promise<string> =>
  redis ? checkRedis(redis) : 'not set; one replica alone keeps its cache and its budget in memory';

async function checkIssuer({ auth: { jwt } }: Config): Promise<string> {
  if (!jwt) return 'none, since AUTH does not name jwt';
  const response = await ask(jwt.jwksUrl, { redirect: 'error' });
  const answer = (await response?.json().catch(() => null)) as { keys?: unknown } | null | undefined;
  if (response?.ok && Array.isArray(answer?.keys) && answer.keys.length > 0) return `${answer.keys.length}`;
  const what = answer
    ? 'what JWT_JWKS_URL leads to is no set of keys'
    : 'JWT_JWKS_URL leads to nothing that answers with JSON';
  throw new ConfigError([`${what}. Take the jwks_uri of the issuer.`]);
}

const ask = (url: string, init: RequestInit) =>
  fetch(url, { ...init, signal: AbortSignal.timeout(DEADLINE_MS) }).catch(() => null);

async function checkSchema(config: Config): Promise<string> {
  const { createGateway } = await import('./server.ts');
  const gateway = await createGateway({ ...config, redis: null }, { log: createLog('silent') });
  gateway.destroy();
  const { mode, path } = config.trustedDocuments;
  if (mode === 'off') return 'TRUSTED_DOCUMENTS is off, all documents run';
  return `those of schema/operations${path === null ? '' : ` and of ${path}`}`;
}

/** What to set in the upstream's console. The token is not part of it. */
function webhookSteps(webhook: Config['webhook']): string {
  if (!webhook) return 'unset  webhooks: set WEBHOOK_TOKEN to a token of your choice, and run check again\n';
  return `right  webhooks: at the path below

For webhooks, in the Chat console under Webhook Configuration:

  1. Set the webhook URL to the address at which the upstream reaches this gateway, followed by
       ${webhook.path}
  2. Switch authentication on, with the value of WEBHOOK_TOKEN as its token.
  3. Switch on: after a user is followed, after a user is unfollowed, after a profile is updated (and the
     subscription of user profile changes), after the blocklist is added to and removed from, the change of user
     states, and the alarm of API calls over their limit.
`;
}
