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

Options
  --help     show this
  --version  show the version

Settings are environment variables; README.md has the table.
`;

/** Exit codes of sysexits.h. */
const EXIT = { ok: 0, failure: 1, usage: 64, config: 78 };

/** How long running requests get to finish after the drain, on top of their own deadline. */
const STOP_GRACE_MS = 2000;

const say = (text: string) => process.stdout.write(text);
const complain = (text: string) => process.stderr.write(text);

process.exitCode = await run(process.argv.slice(2), process.env).catch((error: unknown) => {
  if (error instanceof ConfigError) {
    complain(`${error.message}\nREADME.md has the table of settings.\n`);
    return EXIT.config;
  }
  if (isListenError(error)) {
    complain(
      `Cannot listen on ${error.address}:${error.port}: ${error.code === 'EADDRINUSE' ? 'the port is taken' : error.code}. Set PORT and HOST.\n`,
    );
    return EXIT.failure;
  }
  complain(`${error instanceof Error ? error.stack : error}\n`);
  return EXIT.failure;
});

async function run(args: string[], env: Environment): Promise<number> {
  let parsed: ReturnType<typeof parseCommandLine>;
  try {
    parsed = parseCommandLine(args);
  } catch (error) {
    complain(`${(error as Error).message}\n\n${USAGE}`);
    return EXIT.usage;
  }
  const { values, positionals } = parsed;
  const [command = 'serve', ...rest] = positionals;
  if (values.help) return print(USAGE);
  if (values.version) return print(`${packageJson.version}\n`);
  const commands: Record<string, () => Promise<number>> = {
    serve: () => serve(env),
    sandbox: () => sandbox(Number(values.port ?? 4100)),
    schema: printSchema,
    check: () => check(env),
  };
  const chosen = Object.hasOwn(commands, command) && rest.length === 0 ? commands[command] : undefined;
  if (chosen) return chosen();
  complain(`There is no command "${positionals.join(' ')}".\n\n${USAGE}`);
  return EXIT.usage;
}

function parseCommandLine(args: string[]) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' }, port: { type: 'string' } },
  });
}

function print(text: string): number {
  say(text);
  return EXIT.ok;
}

async function serve(env: Environment): Promise<number> {
  const embedded = namesNoUpstream(env) ? await startSandbox(0) : null;
  // The sandbox's app has three profile fields of its own.
  const config = readConfig(embedded ? { PROFILE_CUSTOM_FIELDS: 'Test,Team,Mood', ...env, ...embedded.settings } : env);
  const { createGateway } = await import('./server.ts');
  const log = pino({ level: config.logLevel, base: undefined });
  const gateway = createGateway(config, { log });
  const url = await gateway.listen();

  if (config.production) log.info({ url: `${url}/graphql`, version: packageJson.version }, 'ready');
  else say(welcome(`${url}/graphql`, config.graphiql, embedded?.url));

  const forced = firstSignal().then(async (signal) => {
    log.info({ signal }, 'stopping: finishing what runs; a second signal stops at once');
    const second = firstSignal().then(() => true);
    const overdue = timeout(config.drainMs + config.requestDeadlineMs + STOP_GRACE_MS).then(() => true);
    return Promise.race([gateway.close().then(() => false), second, overdue]);
  });
  const cutOff = await forced;
  if (cutOff) gateway.destroy();
  await embedded?.close();
  log.info(cutOff ? 'stopped at once' : 'stopped');
  // Leaves although a cut-off request may still hold a timer.
  process.exit(cutOff ? EXIT.failure : EXIT.ok);
}

async function sandbox(port: number): Promise<number> {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    complain('--port must be a whole number from 0 to 65535.\n');
    return EXIT.usage;
  }
  const { url, settings, close } = await startSandbox(port);
  const lines = Object.entries(settings).map(([name, value]) => `  ${name}=${value}`);
  say(
    `The sandbox upstream is at ${url}; its control endpoint is ${url}/sandbox.\nTo use it, start the gateway with\n${lines.join('\n')}\n`,
  );
  await firstSignal();
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
  const { diagnoseUpstream } = await import('./server.ts');
  const diagnosis = await diagnoseUpstream(config);
  if (diagnosis.ok) return print('The settings are right: the upstream answered.\n');
  complain(`The upstream cannot be used: ${diagnosis.explanation}\n${diagnosis.remedy}\n`);
  return EXIT.failure;
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

function isListenError(error: unknown): error is { code: string; address: string; port: number } {
  return error instanceof Error && 'syscall' in error && error.syscall === 'listen';
}
