// Serving: one process, or several below one that supervises them.
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { systemClock } from '../clock.ts';
import { type Config, type Environment, namesNoUpstream, readConfig } from '../config.ts';
import { COMPILED } from './compiled.ts';
import { complain, EXIT, explain, firstSignal, say, timeout, USAGE, VERSION } from './edge.ts';
import { type OpenLog, openLog } from './log.ts';
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
  const service = await createService(config, settings, opened);
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
  const overdue = timeout(config.drainMs + config.requestDeadlineMs + service.graceMs).then(() => 'stopped at once');
  const closed = service
    .close()
    .then((endedWell) => (endedWell ? STOPPED : 'stopped; not all workers ended as they should'));
  const end = await Promise.race([closed, second, overdue]);
  if (end !== STOPPED) service.destroy();
  await embedded?.close();
  log.info(end);
  return end === STOPPED ? EXIT.ok : EXIT.failure;
}

/** What serves: this process itself, or workers below it. `close` resolves with whether all has ended well. */
type Service = { graceMs: number; listen(): Promise<string>; close(): Promise<boolean>; destroy(): void };

async function createService(config: Config, settings: Environment, opened: OpenLog): Promise<Service> {
  const count = config.workers === 'auto' ? availableParallelism() : config.workers;
  if (count === 1) {
    const { createGateway } = await import('../server.ts');
    const gateway = createGateway(config, opened);
    return { ...gateway, graceMs: STOP_GRACE_MS, close: () => gateway.close().then(() => true) };
  }
  const [{ createPrimary }, { openDoor }] = await Promise.all([
    import('../workers/primary.ts'),
    import('../workers/cluster.ts'),
  ]);
  // Set beforehand, it also covers what this file imports.
  const door = openDoor({ NODE_COMPILE_CACHE: COMPILED, ...settings, WORKERS: String(count) });
  // The last worker leaves after the others.
  return { ...createPrimary(config, { count, door, log: opened.log }), graceMs: 2 * STOP_GRACE_MS };
}

/** One of several workers: it does what the process above says, and leaves when that is gone. */
export async function work(env: Environment): Promise<number> {
  // Ctrl-C and some service managers tell every process, but who leaves when is for the process above to say.
  process.on('SIGTERM', () => {});
  process.on('SIGINT', () => {});
  const [{ channelOf }, { createPeer }, { createFellows }] = await Promise.all([
    import('../workers/cluster.ts'),
    import('../workers/peer.ts'),
    import('../workers/fellows.ts'),
  ]);
  const above = createPeer(channelOf(process));
  try {
    const config = readConfig(env);
    const { createGateway } = await import('../server.ts');
    const told = (what: string) => new Promise<void>((resolve) => above.answer(what, () => resolve()));
    const [leaving, keeping] = [told('leave'), told('keep the door')];
    const fellows = createFellows({ above, count: Number(env.WORKERS), clock: systemClock });
    const log = openLog(config.logLevel, { worker: Number(env.WORKER) });
    const gateway = createGateway(config, { ...log, fellows });
    above.answer('measure', gateway.measured);
    await above.ask('ready', await gateway.listen());
    const isKeeper = await Promise.race([keeping.then(() => true), leaving.then(() => false)]);
    await gateway.close(isKeeper ? leaving : undefined);
    return EXIT.ok;
  } catch (error) {
    const failure = explain(error);
    // Told once, by the process above, or all workers would say the same.
    await above.ask('failed', failure);
    return failure.exitCode;
  }
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
