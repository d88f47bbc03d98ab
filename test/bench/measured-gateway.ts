// Gateways on sandboxes of their own that are measured from outside: by what they spend, and by what they hold.
import { GATEWAY, type ServerProcess, startServer } from './measuring/server-process.ts';

export { median } from './measuring/statistics.ts';

/** Two of the same: what asks for the heap also collects it, which is no cost of a request. */
export async function startBoth(env: NodeJS.ProcessEnv = {}) {
  const settings = { PORT: '0', LIST_FRESH_SECONDS: '3600', ...env };
  return {
    forCpu: await startServer(GATEWAY, { env: settings }),
    forHeap: await startServer(GATEWAY, { env: settings }),
  };
}

/** What it holds once all that can go has gone, outside of the heap too. */
export async function heldKilobytes(server: ServerProcess): Promise<number> {
  const { heapUsed, external } = await server.held();
  return Math.round((heapUsed + external) / 1024);
}

/** How many calls have reached its sandbox. */
export async function upstreamCalls(server: ServerProcess): Promise<number> {
  const [, sandbox] = /SANDBOX at (http:[\w./:]+\d)/.exec(server.said()) ?? [];
  const { commands } = (await (await fetch(`${sandbox}/sandbox/calls`)).json()) as {
    commands: Record<string, { received: number }>;
  };
  return Object.values(commands).reduce((sum, { received }) => sum + received, 0);
}
