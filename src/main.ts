// The process edge: arguments, environment, signals and exit codes. Nothing else in the house touches `process`.
import cluster from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { enableCompileCache } from 'node:module';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import { systemClock } from './clock.ts';
import { type Command, type CommandLine, type Purging, readCommandLine, usage } from './command-line.ts';
import { type Config, ConfigError, type Environment, namesNoUpstream, readConfig } from './config.ts';
import { openLog } from './log.ts';
import { consoleSteps, introduceSandbox, NO_WEBHOOK, welcome } from './messages.ts';

const USAGE = usage(packageJson.version);

/** Exit codes of sysexits.h. */
const EXIT = { ok: 0, failure: 1, usage: 64, config: 78 };

/** How long what runs after the drain gets to finish, on top of a request's own deadline. */
const STOP_GRACE_MS = 3000;

const say = (text: string) => process.stdout.write(text);
const complain = (text: string) => process.stderr.write(text);

// Half the time of a start is compiling. Kept beside what it is made of, where nobody else can write; where this process
// cannot either, it starts as it would without.
const COMPILED = fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url));
enableCompileCache(COMPILED);

// Leaves although something may still be open: the sandbox of a gateway that could not start, a request that was cut off.
process.exit(
  // Whoever else has Node's cluster start this program has a gateway of one process each time.
  cluster.isWorker && process.env.WORKER
    ? await work(process.env)
    : await run(process.argv.slice(2), process.env).catch((error: unknown) => {
        const { exitCode, complaint } = explain(error);
        complain(complaint);
        return exitCode;
      }),
);

/** What an error that ends the process means: to whoever started it, and in words. */
function explain(error: unknown): { exitCode: number; complaint: string } {
  if (error instanceof ConfigError)
    return { exitCode: EXIT.config, complaint: `${error.message}\nREADME.md has the table of settings.\n` };
  if (isListenError(error)) {
    const { code, address = error.hostname, port, setting } = error;
    const reason = code === 'EADDRINUSE' ? 'the port is taken' : code;
    const remedy = setting ? `Set ${setting} and HOST.` : 'Set PORT and HOST, or --port for the sandbox.';
    const place = `${address}${port === undefined ? '' : `:${port}`}`;
    return { exitCode: EXIT.failure, complaint: `Cannot listen on ${place}: ${reason}. ${remedy}\n` };
  }
  if (isWorkerFailure(error)) return { exitCode: error.exitCode, complaint: error.message };
  return { exitCode: EXIT.failure, complaint: `${error instanceof Error ? error.stack : error}\n` };
}

async function run(args: string[], env: Environment): Promise<number> {
  let commandLine: CommandLine;
  try {
    commandLine = readCommandLine(args);
  } catch (error) {
    complain(`${(error as Error).message}\n\n${USAGE}`);
    return EXIT.usage;
  }
  const { command, port, lively, purging } = commandLine;
  const commands: Record<Command, () => number | Promise<number>> = {
    help: () => print(USAGE),
    version: () => print(`${packageJson.version}\n`),
    serve: () => serve(env, lively),
    sandbox: () => sandbox(port, lively),
    schema: printSchema,
    check: () => check(env),
    webhook: () => webhook(env),
    purge: () => purge(env, purging),
  };
  return commands[command]();
}

function print(text: string): number {
  say(text);
  return EXIT.ok;
}

async function serve(env: Environment, lively: boolean): Promise<number> {
  // From here on, because a container's first process does not die of a signal that nobody handles.
  const asked = firstSignal();
  const bringsItsOwn = namesNoUpstream(env);
  if (lively && !bringsItsOwn) {
    complain(
      `--lively moves the people of the sandbox, but this gateway is to have a real upstream: TENCENT_* is set, or NODE_ENV=production.\nA sandbox of its own process takes it: node src/main.ts sandbox --lively\n\n${USAGE}`,
    );
    return EXIT.usage;
  }
  const embedded = bringsItsOwn ? await (await import('./sandbox/start.ts')).startSandbox(0) : null;
  const settings = embedded ? { ...firstStart(), ...valuesOf(env), ...embedded.settings } : env;
  const config = readConfig(settings);
  const log = openLog(config.logLevel);
  const service = await createService(config, settings, log);
  const url = await service.listen();
  if (config.webhook && embedded) {
    const { webhookPathOf } = await import('./webhooks.ts');
    try {
      embedded.tell(`${url}${webhookPathOf(config)}`, config.webhook.token);
    } catch (error) {
      log.warn({ reason: (error as Error).message }, 'The sandbox cannot tell of changes');
    }
  }
  if (lively) embedded?.lively.start();

  if (config.production) log.info({ url: `${url}/graphql`, version: packageJson.version }, 'ready');
  else say(welcome(packageJson.version, `${url}/graphql`, config, embedded && { url: embedded.url, lively }));

  const signal = await asked;
  embedded?.lively.stop();
  log.info({ signal }, 'stopping: finishing what runs; a second signal stops at once');
  const second = firstSignal().then(() => false);
  const overdue = timeout(config.drainMs + config.requestDeadlineMs + service.graceMs).then(() => false);
  const endedWell = await Promise.race([service.close(), second, overdue]);
  if (!endedWell) service.destroy();
  await embedded?.close();
  log.info(endedWell ? 'stopped' : 'stopped at once');
  return endedWell ? EXIT.ok : EXIT.failure;
}

/** What serves: this process itself, or workers below it. `close` resolves with whether all has ended well. */
type Service = { graceMs: number; listen(): Promise<string>; close(): Promise<boolean>; destroy(): void };

async function createService(config: Config, settings: Environment, log: Logger): Promise<Service> {
  const count = config.workers === 'auto' ? availableParallelism() : config.workers;
  if (count === 1) {
    const { createGateway } = await import('./server.ts');
    const gateway = createGateway(config, { log });
    return { ...gateway, graceMs: STOP_GRACE_MS, close: () => gateway.close().then(() => true) };
  }
  const [{ createPrimary }, { openDoor }] = await Promise.all([
    import('./workers/primary.ts'),
    import('./workers/cluster.ts'),
  ]);
  // Set beforehand, it also covers what this file imports.
  const door = openDoor({ NODE_COMPILE_CACHE: COMPILED, ...settings, WORKERS: String(count) });
  // The last worker leaves after the others.
  return { ...createPrimary(config, { count, door, log }), graceMs: 2 * STOP_GRACE_MS };
}

/** One of several workers: it does what the process above says, and leaves when that is gone. */
async function work(env: Environment): Promise<number> {
  // Ctrl-C and some service managers tell every process, but who leaves when is for the process above to say.
  process.on('SIGTERM', () => {});
  process.on('SIGINT', () => {});
  const [{ channelOf }, { createPeer }, { createFellows }] = await Promise.all([
    import('./workers/cluster.ts'),
    import('./workers/peer.ts'),
    import('./workers/fellows.ts'),
  ]);
  const above = createPeer(channelOf(process));
  try {
    const config = readConfig(env);
    const { createGateway } = await import('./server.ts');
    const told = (what: string) => new Promise<void>((resolve) => above.answer(what, () => resolve()));
    const [leaving, keeping] = [told('leave'), told('keep the door')];
    const fellows = createFellows({ above, count: Number(env.WORKERS), clock: systemClock });
    const log = openLog(config.logLevel, { worker: Number(env.WORKER) });
    const gateway = createGateway(config, { log, fellows });
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

async function sandbox(port: number, lively: boolean): Promise<number> {
  const asked = firstSignal();
  const { startSandbox } = await import('./sandbox/start.ts');
  const sandbox = await startSandbox(port);
  if (lively) sandbox.lively.start();
  say(introduceSandbox(sandbox.url, sandbox.settings, lively));
  await asked;
  await sandbox.close();
  return EXIT.ok;
}

async function printSchema(): Promise<number> {
  const { printSdl } = await import('./graph/sdl.ts');
  return print(printSdl());
}

async function check(env: Environment): Promise<number> {
  const config = readConfig(env);
  const { checkRedis } = await import('./redis.ts');
  if (config.redis) await checkRedis(config.redis.nodes);
  const { diagnoseUpstream } = await import('./upstream.ts');
  const diagnosis = await diagnoseUpstream(config);
  if (diagnosis.ok) return print('The settings are right: the upstream answered.\n');
  complain(`The upstream cannot be used: ${diagnosis.explanation}\n${diagnosis.remedy}\n`);
  return EXIT.failure;
}

async function webhook(env: Environment): Promise<number> {
  const config = readConfig(env);
  const { webhookPathOf } = await import('./webhooks.ts');
  const path = webhookPathOf(config);
  if (path) return print(consoleSteps(path));
  complain(NO_WEBHOOK);
  return EXIT.config;
}

async function purge(env: Environment, purging: Purging): Promise<number> {
  const config = readConfig(env);
  const { createPurge } = await import('./purge.ts');
  const strangers = purging === 'everything' ? [] : purging.filter((id) => !config.userIdPattern.test(id));
  if (strangers.length > 0) {
    complain(`${strangers.map((id) => JSON.stringify(id)).join(', ')} cannot be a UserID.\n\n${USAGE}`);
    return EXIT.usage;
  }
  const purge = await createPurge(config);
  try {
    if (purging !== 'everything') {
      await purge.users(purging);
      return print(`Forgotten by all gateways: ${purging.join(', ')}.\n`);
    }
    const keys = await purge.everything();
    return print(`Everything is forgotten by all gateways: ${keys} keys were removed from Redis.\n`);
  } catch (error) {
    complain(`Redis did not forget: ${(error as Error).message}\nTry again: what is forgotten already stays so.\n`);
    return EXIT.failure;
  } finally {
    purge.close();
  }
}

function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
}

function timeout(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

type ListenError = { code: string; address?: string; port?: number; hostname?: string; setting?: string };

function isListenError(error: unknown): error is ListenError {
  // Workers are told so by the process above, which binds the port for them.
  const syscalls = ['listen', 'bind', 'getaddrinfo'];
  return error instanceof Error && 'syscall' in error && syscalls.includes(String(error.syscall));
}

/** Known by its name: a single process never loads the code for workers. */
function isWorkerFailure(error: unknown): error is Error & { exitCode: number } {
  return error instanceof Error && error.name === 'WorkerFailure' && 'exitCode' in error;
}
