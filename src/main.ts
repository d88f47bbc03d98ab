// The process edge: reads the command line, runs a command, and ends with its exit code.
import type { Environment } from './config.ts';
import { type Command, type CommandLine, readCommandLine } from './process/command-line.ts';
import { check, printSchema, purge, sandbox, webhook } from './process/commands.ts';
import { complain, EXIT, explain, print, USAGE, VERSION } from './process/edge.ts';
import { serve } from './process/serve.ts';

// Leaves although something may still be open: the sandbox of a gateway that could not start, a request that was cut off.
process.exit(
  await run(process.argv.slice(2), process.env).catch((error: unknown) => {
    const { exitCode, complaint } = explain(error);
    complain(complaint);
    return exitCode;
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
  const { command, port, lively, purging } = commandLine;
  const commands: Record<Command, () => number | Promise<number>> = {
    help: () => print(USAGE),
    version: () => print(`${VERSION}\n`),
    serve: () => serve(env, lively),
    sandbox: () => sandbox(port, lively),
    schema: printSchema,
    check: () => check(env),
    webhook: () => webhook(env),
    purge: () => purge(env, purging),
  };
  return commands[command]();
}
