// A server on loopback that keeps what is posted to it: webhooks, traces, reports of usage.
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { listenOnLoopback } from './loopback.ts';

type Received = { path: string; query: Record<string, string>; headers: IncomingHttpHeaders; body: string };

/** Listens until the test ends. */
export async function startReceiver() {
  const received: Received[] = [];
  const held: (() => void)[] = [];
  let [isAnswering, status] = [true, 200];
  const server = createServer(async (request, response) => {
    const body = (await request.setEncoding('utf8').toArray()).join('');
    const { pathname: path, searchParams } = new URL(request.url ?? '', 'http://receiver');
    received.push({ path, query: Object.fromEntries(searchParams), headers: request.headers, body });
    const answer = () => void response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
    if (isAnswering) answer();
    else held.push(answer);
  });
  return {
    url: `http://127.0.0.1:${await listenOnLoopback(server)}`,
    /** In order. */
    received,
    answerWith(next: number) {
      status = next;
    },
    hold() {
      isAnswering = false;
    },
    release() {
      isAnswering = true;
      for (const answer of held.splice(0)) answer();
    },
  };
}
