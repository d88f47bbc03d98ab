// Redis servers of our own, each a process on a free port without persistence. Knows no test runner.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';

const PROGRAMS = ['redis-server', 'valkey-server'];
const SLOTS = 16_384;
const MASTERS = 3;

export type RedisProcess = Awaited<ReturnType<typeof startRedisProcess>>;
export type RedisClusterProcesses = Awaited<ReturnType<typeof startRedisClusterProcesses>>;

type RedisProcessOptions = {
  /** Appended to its command line. */
  args?: readonly string[];
  program?: string;
};

/** Starts a server. */
export async function startRedisProcess({ args = [], program: named }: RedisProcessOptions = {}) {
  const program = named ?? (await findServer());
  const folder = mkdtempSync(join(tmpdir(), 'follow-gateway-redis-'));
  let port = 0;
  let server = await tryAgain(async () => {
    port = await freePort();
    return launch(program, port, folder, args);
  });
  const killed = () => void server.kill('SIGKILL');
  process.once('exit', killed);

  async function kill(): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill('SIGKILL');
    await once(server, 'exit');
  }

  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    /** Ends it at once; what it held is gone. */
    kill,
    /** Leaves its connections open, without answering. */
    pause: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
    /** Starts it empty, on the same port. */
    async restart(): Promise<void> {
      await kill();
      server = await launch(program, port, folder, args);
    },
    async close(): Promise<void> {
      process.off('exit', killed);
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A port that is free when it is looked for may be taken when it is used. */
async function tryAgain<T>(start: () => Promise<T>, tries = 3): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (tries === 1) throw error;
    return tryAgain(start, tries - 1);
  }
}

async function startMaster(more: readonly string[]): Promise<{ node: RedisProcess; tlsPort: number; busPort: number }> {
  const [busPort, tlsPort] = [await freePort(), await freePort()];
  const args = [
    ...more,
    ...(more.includes('--tls-cluster') ? ['--tls-port', String(tlsPort)] : []),
    ...['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf', '--cluster-port', String(busPort)],
    ...['--cluster-node-timeout', '1000', '--cluster-require-full-coverage', 'no'],
  ];
  return { node: await startRedisProcess({ args }), busPort, tlsPort };
}

/** Starts three masters that share all slots and serve theirs even when another one is gone; with `args`, each of them. */
export async function startRedisClusterProcesses({ args = [] }: { args?: readonly string[] } = {}) {
  const masters = await Promise.all(Array.from({ length: MASTERS }, () => tryAgain(() => startMaster(args))));
  const nodes = masters.map(({ node }) => node);
  const admins = nodes.map(({ port }) => new Redis(port, '127.0.0.1'));
  try {
    await Promise.all(
      admins.map(async (admin, i) => {
        const first = Math.ceil((i * SLOTS) / MASTERS);
        const last = Math.ceil(((i + 1) * SLOTS) / MASTERS) - 1;
        await admin.call('CLUSTER', 'ADDSLOTSRANGE', first, last);
        await admin.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
      }),
    );
    const [firstPort, firstBus] = [nodes[0]?.port ?? 0, masters[0]?.busPort ?? 0];
    await Promise.all(admins.slice(1).map((admin) => admin.call('CLUSTER', 'MEET', '127.0.0.1', firstPort, firstBus)));
    await Promise.all(admins.map(untilWhole));
  } finally {
    for (const admin of admins) admin.disconnect();
  }

  return {
    url: nodes.map(({ url }) => url).join(','),
    nodes,
    tlsPort: masters[0]?.tlsPort,
    close: async () => void (await Promise.all(nodes.map((node) => node.close()))),
  };
}

// A node learns of the others by gossip, which tells nobody when it is done.
async function untilWhole(admin: Redis): Promise<void> {
  for (;;) {
    const info = String(await admin.call('CLUSTER', 'INFO'));
    const said = (fact: string) => info.includes(`${fact}\r\n`);
    if (said('cluster_state:ok') && said(`cluster_slots_ok:${SLOTS}`) && said(`cluster_size:${MASTERS}`)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function launch(program: string, port: number, folder: string, args: readonly string[]): Promise<ChildProcess> {
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'];
  const server = spawn(program, [...settings, '--loglevel', 'notice', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('exit', () => reject(new Error(`${program} on port ${port} ended: ${output}`)));
    for (const stream of [server.stdout, server.stderr]) {
      stream.on('data', (text: Buffer) => {
        if (output.length < 10_000) output += text;
        if (/Ready to accept connections/i.test(output)) resolve();
      });
    }
  });
  server.removeAllListeners('exit');
  return server;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('A server that listens on a port has one');
  return address.port;
}

/** The program on the path; installs it first where tests may do that. */
export async function findServer(): Promise<string> {
  const found = PROGRAMS.find(isOnPath);
  if (found !== undefined) return found;
  if (process.getuid?.() !== 0 || !isOnPath('apt-get') || !isOnPath('flock')) throw new Error(MISSING);
  // Test files run side by side: the first one installs, the others wait for it. RUNLEVEL keeps it from being started.
  const install = `command -v redis-server || { apt-get update -qq && apt-get install -qq -y redis-server; }`;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const lock = join(tmpdir(), 'follow-gateway-install-redis.lock');
  await promisify(execFile)('flock', [lock, 'sh', '-c', install], { env }).catch((cause: unknown) => {
    throw new Error(MISSING, { cause });
  });
  return 'redis-server';
}

const MISSING = 'These tests need Redis: install redis-server or valkey-server and put it on the path.';

export function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
