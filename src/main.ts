#!/usr/bin/env node
// The process: its arguments, commands and exit codes.
import { writeFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { Socket } from 'node:net';
import { parseArgs } from 'node:util';
import packageJson from '../package.json' with { type: 'json' };
import { CommandFailure, ConfigError, UsageError } from './errors.ts';
import type { Import } from './transfer/import.ts';

const USAGE = `follow-gateway ${packageJson.version}: GraphQL over Tencent Cloud Chat's follow API

Usage: node src/main.ts [command]

Commands
  serve      run the gateway (default); without any TENCENT_* setting it brings its own sandbox upstream
  sandbox    run the sandbox upstream alone; --port chooses its port (4100)
  schema     print the GraphQL schema
  check      check the settings against the upstream and Redis, and print what to set for webhooks
  import     bring accounts, or follows with the oldest first, from a CSV file: import accounts <file>,
             import follows <file>; run it again after an interruption, and it goes on where it was
  export     print whom a user follows and who follows them: export <userId> [--format csv|json]
  purge      make all gateways on REDIS_URL drop what they cached of users (purge <userId…>), or all (purge --all)

Options
  --sandbox     serve made-up people; without a terminal, or on another host than loopback, no start does that unasked
  --or-sandbox  the same where no TENCENT_* is set, on loopback: npm start says so
  --lively      people of the sandbox follow, unfollow and change their profiles, a few times a second (serve, sandbox)
  --help        show this
  --version     show the version

Settings are environment variables; deploy/README.md has the table.
`;
const FLAG = { type: 'boolean', default: false } as const;
const TEXT = { type: 'string' } as const;
const OPTIONS = {
  help: { ...FLAG, short: 'h' },
  version: FLAG,
  port: TEXT,
  lively: FLAG,
  sandbox: FLAG,
  'or-sandbox': FLAG,
  all: FLAG,
  format: TEXT,
} as const;
/** Options that only some commands take. */
const OWNERS: [option: keyof typeof OPTIONS, commands: string[]][] = [
  ['lively', ['serve', 'sandbox']],
  ['sandbox', ['serve']],
  ['all', ['purge']],
  ['format', ['export']],
];
/** Exit codes of sysexits.h. */
const EXIT = { failure: 1, usage: 64, config: 78 };

// Half the time of a start is compiling.
enableCompileCache();
// A reader that is gone, or a disk that is full, does not end the process.
for (const output of [process.stdout, process.stderr]) output.on('error', () => {});

const exitCode = await run(process.argv.slice(2)).catch((error: unknown) => {
  const { exitCode, complaint } = explain(error);
  process.stderr.write(`${complaint}\n`);
  return exitCode;
});
// A pipe takes what its reader has room for; the rest is on its way.
await new Promise((resolve) => process.stdout.write('', resolve));
// Ends although something may still be open: the sandbox of a gateway that could not start, a request that was cut off.
process.exit(exitCode);

/** Runs the command; resolves with the exit code. */
async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: OPTIONS });
  const [command = 'serve', ...operands] = positionals;
  const { port = '4100', lively, sandbox, 'or-sandbox': orSandbox, all, format = 'csv', help, version } = values;
  const { env, stdout } = process;
  const tell = (text: string) => void stdout.write(text);
  if (help || version) return print(help ? USAGE : `${packageJson.version}\n`);

  const refuse = (isWrong: boolean, problem: string) => {
    if (isWrong) throw new UsageError(problem);
  };
  const [kind = '', path = ''] = operands;
  /** Each resolves with what it prints, or with whether all went well. */
  const commands: Record<string, () => Promise<unknown>> = {
    serve: async () => (await import('./serve.ts')).serve(env, { lively, sandbox, orSandbox }),
    sandbox: async () => (await import('./serve.ts')).serveSandbox(Number(port), lively),
    schema: async () => (await import('./graph/schema.ts')).printSdl(),
    check: async () => (await import('./check.ts')).check(env, tell),
    import: async () => (await import('./transfer/import.ts')).importFile(env, kind as Import, path, tell),
    export: async () => (await import('./transfer/export.ts')).exportUser(env, kind, format),
    purge: async () => (await import('./purge.ts')).purge(env, all ? 'everything' : operands),
  };
  const isKnown = Object.hasOwn(commands, command);
  const takesOperands = ['purge', 'import', 'export'].includes(command);
  refuse(!isKnown || (operands.length > 0 && !takesOperands), `There is no command "${positionals.join(' ')}".`);
  refuse(values.port !== undefined && command !== 'sandbox', '--port belongs to sandbox; the gateway listens on PORT.');
  for (const [option, owners] of OWNERS)
    refuse(Boolean(values[option]) && !owners.includes(command), `--${option} belongs to ${owners.join(' and ')}.`);
  refuse(!/^\d{1,5}$/.test(port) || Number(port) > 65_535, '--port must be a whole number from 0 to 65535.');
  refuse(command === 'purge' && all === operands.length > 0, 'purge takes the ids of users, or --all.');
  refuse(!['csv', 'json'].includes(format), '--format must be csv or json.');
  refuse(command === 'export' && operands.length !== 1, 'export takes the id of one user.');
  const isImport = operands.length === 2 && ['follows', 'accounts'].includes(kind);
  refuse(command === 'import' && !isImport, 'import takes follows or accounts, and a file.');

  const result = await commands[command]?.();
  if (typeof result === 'string') return print(result);
  return result === false ? EXIT.failure : 0;
}

/** Prints the result of a command, which is of no use without its end. */
function print(text: string): number {
  const { stdout } = process;
  if (stdout instanceof Socket) stdout.write(text);
  // Of a file the stream passes over what a full disk does not take.
  else writeFileSync(1, text);
  return 0;
}

/** What an error that ends the process means: as an exit code, and in words. */
function explain(error: unknown): { exitCode: number; complaint: string } {
  const { message, code, syscall, ...at } = error as Error & Record<string, unknown>;
  if (error instanceof UsageError || String(code).startsWith('ERR_PARSE_ARGS'))
    return { exitCode: EXIT.usage, complaint: `${message}\n\n${USAGE}` };
  if (error instanceof ConfigError)
    return { exitCode: EXIT.config, complaint: `${message}\ndeploy/README.md has the table of settings.` };
  if (error instanceof CommandFailure || syscall === 'write') return { exitCode: EXIT.failure, complaint: message };
  if (['listen', 'bind', 'getaddrinfo'].includes(String(syscall))) {
    const place = [at.address ?? at.hostname, at.port].filter((part) => part !== undefined).join(':');
    const reason = code === 'EADDRINUSE' ? 'the port is taken' : code;
    const setting = String(at.port) === process.env.METRICS_PORT?.trim() ? 'METRICS_PORT' : 'PORT';
    const remedy = `Set ${setting} and HOST${setting === 'PORT' ? ', or --port for the sandbox' : ''}.`;
    return { exitCode: EXIT.failure, complaint: `Cannot listen on ${place}: ${reason}. ${remedy}` };
  }
  return { exitCode: EXIT.failure, complaint: error instanceof Error ? `${error.stack}` : String(error) };
}
