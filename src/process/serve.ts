// Serving: the gateway from its start to its last answer.
import { randomBytes } from 'node:crypto';
import { type Environment, namesNoUpstream, readConfig } from '../config.ts';
import { complain, EXIT, firstSignal, say, timeout, USAGE, VERSION } from './edge.ts';
import { openLog } from './log.ts';
import { welcome } from './messages.ts';

/** How long what runs after the drain gets to finish, on top of a request's own deadline. */
const STOP_GRACE_MS = 3000;
/** What the log says last when all has ended well. */
const STOPPED = 'stopped';

export async function serve(env: Environment, lively: boolean): Promise<number> {
  // From here on, because a container's first process does not die of a signal that nobody handles.
  const asked = firstSignal();
  const bringsItsOwn = namesNoUpstream(env);
  if (lively && !bringsItsOwn) {
    complain(
      `--lively moves the people of the sandbox, but this gateway is to have a real upstream: TENCENT_* is set, or NODE_ENV=production.\nA sandbox of its own process takes it: node src/main.ts sandbox --lively\n\n${USAGE}`,
    );
    return EXIT.usage;
  }
  const embedded = bringsItsOwn ? await (await import('../sandbox/start.ts')).startSandbox(0) : null;
  const settings = embedded ? { ...firstStart(), ...valuesOf(env), ...embedded.settings } : env;
  const config = readConfig(settings);
  const opened = openLog(config.logLevel);
  const { log } = opened;
  const { createGateway } = await import('../server.ts');
  const service = createGateway(config, opened);
  const url = await Promise.race([service.listen(), asked.then(() => null)]);
  if (url === null) {
    // What is being waited for, such as Redis, may take long.
    service.destroy();
    await embedded?.close();
    log.info({ signal: await asked }, 'stopped before it served');
    return EXIT.ok;
  }
  if (config.webhook && embedded) {
    const { webhookPathOf } = await import('../webhooks.ts');
    try {
      embedded.tell(`${url}${webhookPathOf(config)}`, config.webhook.token);
    } catch (error) {
      log.warn({ reason: (error as Error).message }, 'The sandbox cannot tell of changes');
    }
  }
  if (lively) embedded?.lively.start();

  if (config.production) log.info({ url: `${url}/graphql`, version: VERSION }, 'ready');
  else say(welcome(VERSION, `${url}/graphql`, config, embedded && { url: embedded.url, lively }));

  const signal = await asked;
  embedded?.lively.stop();
  log.info({ signal }, 'stopping: finishing what runs; a second signal stops at once');
  const second = firstSignal().then(() => 'stopped at once');
  const overdue = timeout(config.shutdownDrainMs + config.requestDeadlineMs + STOP_GRACE_MS).then(
    () => 'stopped at once',
  );
  const closed = service.close().then(() => STOPPED);
  const end = await Promise.race([closed, second, overdue]);
  if (end !== STOPPED) service.destroy();
  await embedded?.close();
  log.info(end);
  return end === STOPPED ? EXIT.ok : EXIT.failure;
}

/** What a gateway on its own sandbox is set to where nobody says otherwise: all that it can do can be tried at once. */
function firstStart(): Environment {
  return {
    // The sandbox's app has three profile fields of its own.
    PROFILE_CUSTOM_FIELDS: 'Test,Team,Mood',
    AUTH: 'development',
    WEBHOOK_TOKEN: randomBytes(16).toString('hex'),
  };
}

/** Without the variables that are there but say nothing: they count as unset. */
function valuesOf(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()));
}
