// Serving: a gateway, or a sandbox, from its start until a signal ends it.
import { randomBytes } from 'node:crypto';
import { flushCompileCache } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import { type Config, type Environment, givenIn, namesNoUpstream, readConfig } from './config.ts';
import { ConfigError, UsageError } from './errors.ts';
import { isLoopback } from './settings/values.ts';
import { createLog } from './telemetry/log.ts';

/** What an end takes beyond the drain and the deadline of a request: connections that linger, what is settled, last reports. */
const STOP_GRACE_MS = 5000;

/**
 * `lively`: people of the embedded sandbox act by themselves. `sandbox`: it is asked for by name. `orSandbox`: it will do
 * where only this machine can reach it.
 */
type ServeOptions = { lively: boolean; sandbox: boolean; orSandbox: boolean };

/** Runs a gateway until a signal comes; resolves with whether it ended in order. */
export async function serve(env: Environment, { lively, sandbox, orSandbox }: ServeOptions): Promise<boolean> {
  // Handled from here on: a container's first process does not die of a signal without a handler.
  const signalled = nextSignal();
  const isEmbedded = namesNoUpstream(env);
  if ((lively || sandbox) && !isEmbedded)
    throw new UsageError(
      '--lively and --sandbox are for the embedded sandbox, but TENCENT_* or NODE_ENV=production asks for a real upstream.',
    );
  const isAtTerminal = Boolean(process.stdin.isTTY || process.stdout.isTTY);
  // Where others can reach it, a deployment without settings is a mistake.
  const isLocal = isLoopback(env.HOST?.trim() || 'localhost');
  const isWelcome = lively || sandbox || ((orSandbox || isAtTerminal) && isLocal);
  if (isEmbedded && !isWelcome)
    throw new ConfigError([
      'TENCENT_SDK_APP_ID, TENCENT_SECRET_KEY and TENCENT_REGION are missing; made-up people are served by --sandbox',
    ]);
  const embedded = isEmbedded ? await (await import('./sandbox/sandbox.ts')).startSandbox(0) : null;
  const config = readConfig(embedded ? { ...firstStart(), ...givenIn(env), ...embedded.settings } : env);
  const log = createLog(config.logLevel, !config.production && process.stdout.isTTY);
  const { createGateway } = await import('./server.ts');
  const starting = createGateway(config, { log }).then(async (gateway) => {
    // Kept before it serves, for the next start: at the end it may be killed, and a request would wait for the writing.
    flushCompileCache();
    return { gateway, url: await gateway.listen() };
  });
  // The start may be waiting for Redis.
  const started = await Promise.race([starting, signalled.then(() => null)]);
  if (!started) {
    log.info({ signal: await signalled }, 'stopped before it served');
    await flush(log);
    return true;
  }
  const { gateway, url } = started;
  const { webhook } = config;
  if (webhook) embedded?.webhooks.connect({ url: `${url}${webhook.path}`, token: webhook.token });
  if (lively) embedded?.lively.start();
  if (config.production) log.info({ url: `${url}/graphql`, version: packageJson.version }, 'ready');
  else process.stdout.write(welcome(`${url}/graphql`, config, embedded?.url));

  const signal = await signalled;
  log.info({ signal }, 'stopping: finishing what runs; a second signal stops at once');
  const overdue = sleep(config.shutdownDrainMs + config.requestDeadlineMs + STOP_GRACE_MS, false, { ref: false });
  const isClosed = gateway.close().then(() => true);
  const isOrderly = await Promise.race([isClosed, nextSignal().then(() => false), overdue]);
  if (!isOrderly) gateway.destroy();
  await embedded?.close();
  log.info(isOrderly ? 'stopped' : 'stopped at once');
  await flush(log);
  return isOrderly;
}

const flush = (log: Logger) => new Promise<void>((resolve) => log.flush(() => resolve()));

/** Runs a sandbox until a signal comes. */
export async function serveSandbox(port: number, lively: boolean): Promise<void> {
  const signalled = nextSignal();
  const { startSandbox } = await import('./sandbox/sandbox.ts');
  const sandbox = await startSandbox(port);
  if (lively) sandbox.lively.start();
  const settings = Object.entries(sandbox.settings).map(([name, value]) => `  ${name}=${value}\n`);
  process.stdout.write(`The sandbox upstream is at ${sandbox.url}; its control endpoint is ${sandbox.url}/sandbox.
To use it, start the gateway with
${settings.join('')}With AUTH=development as well, the header x-viewer-id names the viewer.
`);
  await signalled;
  await sandbox.close();
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => process.once('SIGTERM', resolve).once('SIGINT', resolve));
}

/** What a gateway before its own sandbox is set to, unless the environment says otherwise: everything can be tried. */
const firstStart = (): Environment => ({
  // The sandbox's app has three profile fields of its own.
  PROFILE_CUSTOM_FIELDS: 'Test,Team,Mood',
  AUTH: 'development',
  USER_SEARCH: 'on',
  WEBHOOK_TOKEN: randomBytes(16).toString('hex'),
});

/** Where everything is, for the first minute with a gateway. */
function welcome(url: string, { graphiql, auth }: Config, sandboxUrl?: string): string {
  const upstream = sandboxUrl
    ? `EMBEDDED SANDBOX at ${sandboxUrl}: made-up people, who act by themselves with --lively.
             Set TENCENT_SDK_APP_ID, TENCENT_SECRET_KEY and TENCENT_REGION for the real one.`
    : 'Tencent Cloud Chat, as configured.';
  const viewer = auth.header?.secret === null ? 'the header x-viewer-id names one, such as user_00001' : 'see AUTH';
  return `
follow-gateway ${packageJson.version} is ready.

  ${graphiql ? `GraphiQL   ${url}   (open it in a browser)` : `GraphQL    ${url}`}
  Upstream   ${upstream}
  Viewer     ${viewer}
  A query    { user(id: "UserID_001") { nick fans(first: 10) { totalCount nodes { nick } } } }

Stop with Ctrl-C.

`;
}
