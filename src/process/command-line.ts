// What the process can be asked to do, and how: its arguments, read or refused in plain words.
import { parseArgs } from 'node:util';

const COMMANDS = ['serve', 'sandbox', 'schema', 'check', 'webhook', 'purge'] as const;

export type Command = 'help' | 'version' | (typeof COMMANDS)[number];

export type CommandLine = {
  command: Command;
  /** Of the sandbox. */
  port: number;
  /** Whether the sandbox's people act by themselves. */
  lively: boolean;
  purging: Purging;
};

/** Whose data is to be forgotten. */
export type Purging = readonly string[] | 'everything';

export const usage = (
  version: string,
): string => `follow-gateway ${version}: GraphQL over Tencent Cloud Chat's follow API

Usage: node src/main.ts [command]

Commands
  serve      run the gateway (default); without any TENCENT_* setting it brings its own sandbox upstream
  sandbox    run the sandbox upstream alone; --port chooses its port (4100)
  schema     print the GraphQL schema
  check      check the settings with one real call to the upstream, and say what is wrong
  webhook    say where the upstream's console must send its webhooks
  purge      make all gateways on REDIS_URL forget users (purge <userId…>) or all they remember (purge --all)

Options
  --lively   people of the sandbox follow, unfollow and change their profiles, a few times a second (serve, sandbox)
  --help     show this
  --version  show the version

Settings are environment variables; deploy/README.md has the table.
`;

/** Throws an Error for the user on what cannot be understood. */
export function readCommandLine(args: string[]): CommandLine {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean' },
      port: { type: 'string' },
      lively: { type: 'boolean' },
      all: { type: 'boolean' },
    },
  });
  const port = Number(values.port ?? 4100);
  const lively = values.lively ?? false;
  if (values.help || values.version) return { command: values.help ? 'help' : 'version', port, lively, purging: [] };

  const [name = 'serve', ...rest] = positionals;
  const command = COMMANDS.find((known) => known === name);
  if (!command || (command !== 'purge' && rest.length > 0))
    throw new Error(`There is no command "${positionals.join(' ')}".`);
  if (values.port !== undefined && command !== 'sandbox')
    throw new Error('--port belongs to the sandbox; the gateway listens on PORT.');
  if (!/^\d+$/.test(values.port ?? '0') || port > 65_535)
    throw new Error('--port must be a whole number from 0 to 65535.');
  if (lively && command !== 'serve' && command !== 'sandbox')
    throw new Error('--lively belongs to serve and sandbox: it moves the people of the sandbox.');
  if (values.all && command !== 'purge') throw new Error('--all belongs to purge.');
  if (command === 'purge' && Boolean(values.all) === rest.length > 0)
    throw new Error('purge takes the ids of users, or --all.');
  return { command, port, lively, purging: values.all ? 'everything' : rest };
}
