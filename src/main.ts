// The process edge: arguments, environment, signals and exit codes. Nothing else in the house touches `process`.
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import { ConfigError, type Environment, namesNoUpstream, readConfig } from './config.ts';

const USAGE = `follow-gateway ${packageJson.version}: GraphQL over Tencent Cloud Chat's follow API

Usage: node src/main.ts [command]

Commands
  serve      run the gateway (default); without any TENCENT_* setting it brings its own sandbox upstream
  sandbox    run the sandbox upstream alone; --port chooses its port (4100)
  schema     print the GraphQL schema
  check      check the settings with one real call to the upstream, and say what is wrong
  purge      make all gateways on REDIS_URL forget users (purge <userId…>) or all they remember (purge --all)

Options
  --help     show this
  --version  show the version

Settings are environment variables; README.md has the table.
`;

const COMMANDS = ['serve', 'sandbox', 'schema', 'check', 'purge'] as const;

/** Exit codes of sysexits.h. */
const EXIT = { ok: 0, failure: 1, usage: 64, config: 78 };

/** How long what runs after the drain gets to finish, on top of a request's own deadline. */
const STOP_GRACE_MS = 3000;

const say = (text: string) => process.stdout.write(text);
const complain = (text: string) => process.stderr.write(text);

// Leaves although something may still be open: the sandbox of a gateway that could not start, a request that was cut off.
process.exit(
  await run(process.argv.slice(2), process.env).catch((error: unknown) => {
    if (error instanceof ConfigError) {
      complain(`${error.message}\nREADME.md has the table of settings.\n`);
      return EXIT.config;
    }
    if (isListenError(error)) {
      const { code, address = error.hostname, port, setting } = error;
      const reason = code === 'EADDRINUSE' ? 'the port is taken' : code;
      const remedy = setting ? `Set ${setting} and HOST.` : 'Set PORT and HOST, or --port for the sandbox.';
      complain(`Cannot listen on ${address}${port === undefined ? '' : `:${port}`}: ${reason}. ${remedy}\n`);
      return EXIT.failure;
    }
    complain(`${error instanceof Error ? error.stack : error}\n`);
    return EXIT.failure;
  }),
);

async function run(args: string[], env: Environment): Promise<number> {
  let commandLine: CommandLine;
  try {
    commandLine = readCommandLine(args);
  } catch (error) {
    complain(`${(error as Error).message}\n\n${USAGE}`);
    return EXIT.usage;
  }
  const { command, port, purging } = commandLine;
  const commands: Record<Command, () => number | Promise<number>> = {
    help: () => print(USAGE),
    version: () => print(`${packageJson.version}\n`),
    serve: () => serve(env),
    sandbox: () => sandbox(port),
    schema: printSchema,
    check: () => check(env),
    purge: () => purge(env, purging),
  };
  return commands[command]();
}

type Command = 'help' | 'version' | (typeof COMMANDS)[number];
type CommandLine = { command: Command; port: number; purging: Purging };
/** Whose data is to be forgotten. */
type Purging = readonly string[] | 'everything';

/** Throws an Error for the user on what cannot be understood. */
function readCommandLine(args: string[]): CommandLine {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean' },
      port: { type: 'string' },
      all: { type: 'boolean' },
    },
  });
  const port = Number(values.port ?? 4100);
  if (values.help || values.version) return { command: values.help ? 'help' : 'version', port, purging: [] };

  const [name = 'serve', ...rest] = positionals;
  const command = COMMANDS.find((known) => known === name);
  if (!command || (command !== 'purge' && rest.length > 0))
    throw new Error(`There is no command "${positionals.join(' ')}".`);
  if (values.port !== undefined && command !== 'sandbox')
    throw new Error('--port belongs to the sandbox; the gateway listens on PORT.');
  if (!/^\d+$/.test(values.port ?? '0') || port > 65_535)
    throw new Error('--port must be a whole number from 0 to 65535.');
  if (values.all && command !== 'purge') throw new Error('--all belongs to purge.');
  if (command === 'purge' && Boolean(values.all) === rest.length > 0)
    throw new Error('purge takes the ids of users, or --all.');
  return { command, port, purging: values.all ? 'everything' : rest };
}

function print(text: string): number {
  say(text);
  return EXIT.ok;
}

async function serve(env: Environment): Promise<number> {
  // From here on, because a container's first process does not die of a signal that nobody handles.
  const asked = firstSignal();
  const embedded = namesNoUpstream(env) ? await startSandbox(0) : null;
  // The sandbox's app has three profile fields of its own.
  const config = readConfig(embedded ? { PROFILE_CUSTOM_FIELDS: 'Test,Team,Mood', ...env, ...embedded.settings } : env);
  const { createGateway } = await import('./server.ts');
  const log = pino({ level: config.logLevel, base: undefined });
  const gateway = createGateway(config, { log });
  const url = await gateway.listen();

  if (config.production) log.info({ url: `${url}/graphql`, version: packageJson.version }, 'ready');
  else say(welcome(`${url}/graphql`, config.graphiql, embedded?.url));

  const signal = await asked;
  log.info({ signal }, 'stopping: finishing what runs; a second signal stops at once');
  const second = firstSignal().then(() => true);
  const overdue = timeout(config.drainMs + config.requestDeadlineMs + STOP_GRACE_MS).then(() => true);
  const cutOff = await Promise.race([gateway.close().then(() => false), second, overdue]);
  if (cutOff) gateway.destroy();
  await embedded?.close();
  log.info(cutOff ? 'stopped at once' : 'stopped');
  return cutOff ? EXIT.failure : EXIT.ok;
}

async function sandbox(port: number): Promise<number> {
  const asked = firstSignal();
  const { url, settings, close } = await startSandbox(port);
  const lines = Object.entries(settings).map(([name, value]) => `  ${name}=${value}`);
  say(
    `The sandbox upstream is at ${url}; its control endpoint is ${url}/sandbox.\nTo use it, start the gateway with\n${lines.join('\n')}\n`,
  );
  await asked;
  await close();
  return EXIT.ok;
}

/** Starts the sandbox in this process, and says which settings lead the gateway to it. */
async function startSandbox(port: number) {
  const { createSandbox, SANDBOX_APP } = await import('./sandbox/sandbox.ts');
  const sandbox = createSandbox();
  const { url } = await sandbox.listen({ port });
  const settings = {
    TENCENT_SDK_APP_ID: String(SANDBOX_APP.sdkAppId),
    TENCENT_SECRET_KEY: SANDBOX_APP.secretKey,
    TENCENT_ADMIN: SANDBOX_APP.admin,
    TENCENT_BASE_URL: url,
  };
  return { url, settings, close: () => sandbox.close() };
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

function welcome(url: string, graphiql: boolean, sandboxUrl: string | undefined): string {
  const upstream = sandboxUrl
    ? `EMBEDDED SANDBOX at ${sandboxUrl}: made-up people, nothing leaves this machine.
             Set TENCENT_SDK_APP_ID, TENCENT_SECRET_KEY and TENCENT_REGION for the real one.`
    : 'Tencent Cloud Chat, as configured.';
  return `
follow-gateway ${packageJson.version} is ready.

  ${graphiql ? 'GraphiQL ' : 'GraphQL  '}  ${url}${graphiql ? '   (open it in a browser)' : ''}
  Upstream   ${upstream}
  A query    { user(id: "UserID_001") { nick fans(first: 10) { totalCount nodes { nick } } } }

Stop with Ctrl-C.
`;
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
  return error instanceof Error && 'syscall' in error && ['listen', 'getaddrinfo'].includes(String(error.syscall));
}
