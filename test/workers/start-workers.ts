// A gateway of two workers with its embedded sandbox, and connections of which it is known who is at their other end.
import { Agent, request } from 'node:http';
import { onTestFinished } from 'vitest';
import { start, startEmbedded } from '../process/start-process.ts';

export const WORKERS = [1, 2] as const;

export type Gateway = Awaited<ReturnType<typeof startWorkersOn>>;
export type Connection = ReturnType<typeof connect>;

type Answer = { data?: Record<string, unknown> | null; errors?: { message: string }[] };

export const startWorkers = (env: Record<string, string> = {}) => startEmbedded({ WORKERS: '2', ...env });

/** The same on a sandbox of its own process. */
export async function startWorkersOn(settings: Record<string, string>) {
  const gateway = start([], { env: { WORKERS: '2', PORT: '0', ...settings } });
  const [, url = ''] = await gateway.said(/GraphiQL +(http:\S+)\/graphql/);
  return { ...gateway, url };
}

/** One connection, which stays. */
function connect(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  return {
    /** Asks as `viewer`, or as nobody; rejects with the error of the socket. */
    ask(query: string, viewer?: string): Promise<Answer> {
      return new Promise((resolve, reject) => {
        const sending = request(`${url}/graphql`, {
          method: 'POST',
          agent,
          headers: { 'content-type': 'application/json', ...(viewer && { 'x-viewer-id': viewer }) },
        });
        sending.once('error', reject);
        sending.once('response', (response) => {
          let body = '';
          response.setEncoding('utf8').on('data', (text: string) => {
            body += text;
          });
          response.once('error', reject).once('end', () => resolve(JSON.parse(body) as Answer));
        });
        sending.end(JSON.stringify({ query }));
      });
    },
  };
}

let probes = 0;

/** The number of the worker that a line of the log names for an operation. */
export async function workerOf({ said }: Gateway, operation: string): Promise<number> {
  const [, worker = ''] = await said(new RegExp(`"worker":(\\d+),[^\\n]*"operationName":"${operation}"`));
  return Number(worker);
}

/** A connection to each worker. */
export async function connectToEach(gateway: Gateway): Promise<[Connection, Connection]> {
  const found = new Map<number, Connection>();
  while (found.size < WORKERS.length) {
    const connection = connect(gateway.url);
    const operation = `Probe${++probes}`;
    await connection.ask(`query ${operation} { viewer { id } }`);
    found.set(await workerOf(gateway, operation), connection);
  }
  return WORKERS.map((number) => found.get(number)) as [Connection, Connection];
}

/** The process of a worker; the `times`-th one that had its number. */
export async function pidOf({ said }: Gateway, worker: number, times = 1): Promise<number> {
  const line = `"worker":${worker},"pid":(\\d+),"msg":"a worker serves"`;
  const found = await said(new RegExp(Array<string>(times).fill(line).join('[^]*')));
  return Number(found[times]);
}
