import { createServer, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { CallOptions } from '../../src/follow/services.ts';
import { createTencentClient, type TencentClientOptions } from '../../src/tencent/client.ts';
import type { Command } from '../../src/tencent/wire.ts';
import { createHastyClock } from '../support/clock.ts';
import { listenOnLoopback } from '../support/loopback.ts';

/** What scripts look at in a body: which of it there is depends on the command. */
type SeenBody = {
  From_Account: string;
  To_Account: string[];
  FollowItem: { To_Account: string }[];
  CheckItem: { UserID: string }[];
  TagList: string[];
};

/** A request as the upstream saw it. `body` is trusted to be JSON, since that is what the client must send. */
export type SeenRequest = {
  command: string;
  path: string;
  query: URLSearchParams;
  body: SeenBody;
  headers: Record<string, unknown>;
  /** Counts connections from 0. */
  connection: number;
  /** Counts requests on this connection from 0. */
  turn: number;
  response: ServerResponse;
  socket: Socket;
};

/** What the upstream does with a request: a JSON answer, or nothing (then `script` has dealt with the response). */
export type Script = (request: SeenRequest, index: number) => object | undefined;

export const ok = (body: object = {}) => ({ ActionStatus: 'OK', ErrorCode: 0, ErrorInfo: '', ...body });
export const fail = (ErrorCode: number, ErrorInfo = '') => ({ ActionStatus: 'FAIL', ErrorCode, ErrorInfo });

/** Starts a node:http upstream that does what `script` says, until the test is finished. */
async function startUpstream(script: Script) {
  const requests: SeenRequest[] = [];
  const connections = new Map<Socket, { index: number; turns: number }>();
  const server = createServer(async (message, response) => {
    const connection = connections.get(message.socket) ?? { index: connections.size, turns: 0 };
    connections.set(message.socket, connection);
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk);
    const url = new URL(message.url ?? '', 'http://upstream');
    const request: SeenRequest = {
      command: url.pathname.split('/').at(-1) ?? '',
      path: url.pathname,
      query: url.searchParams,
      body: JSON.parse(Buffer.concat(chunks).toString()),
      headers: { ...message.headers, method: message.method },
      connection: connection.index,
      turn: connection.turns++,
      response,
      socket: message.socket,
    };
    const answer = script(request, requests.push(request) - 1);
    if (answer === undefined) return;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer));
  });
  server.keepAliveTimeout = 60_000;
  return { baseUrl: `http://127.0.0.1:${await listenOnLoopback(server)}`, requests, server };
}

export const SDK_APP_ID = 1_400_000_000;
export const SECRET_KEY = '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef';

/** Longer waits, such as timeouts, end only when a test turns the clock. */
const SHORT_MS = 2500;

/** A client in front of a scripted upstream, on a clock that the test turns. */
export async function startClient(script: Script, options: Partial<TencentClientOptions> = {}) {
  const upstream = await startUpstream(script);
  const { requests } = upstream;
  const clock = createHastyClock(SHORT_MS);
  const reports: { message: string; facts: Record<string, unknown> }[] = [];
  const client = createTencentClient({
    baseUrl: upstream.baseUrl,
    sdkAppId: SDK_APP_ID,
    adminId: 'administrator',
    secretKey: SECRET_KEY,
    clock,
    report: (message, facts) => reports.push({ message, facts }),
    ...options,
  });
  onTestFinished(() => client.close());
  const upstreamCalls: string[] = [];
  const abort = new AbortController();
  const callOptions = () => ({
    signal: abort.signal,
    deadlineAt: clock.now() + 10_000,
    onUpstreamCall: (command: string) => upstreamCalls.push(command),
  });
  /** Makes one call. */
  const ask = (command: Command = 'follow_get', call: Partial<CallOptions> = {}) =>
    client.call(command, {}, { ...callOptions(), ...call });
  return {
    ...{ client, clock, reports, upstreamCalls, abort, callOptions, upstream, requests, ask },
    /** What a call fails with. */
    askInVain: (...call: Parameters<typeof ask>) => failureOf(ask(...call)),
    /** Resolves when the upstream has seen `count` requests. */
    async seen(count: number): Promise<void> {
      while (requests.length < count) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** What a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`expected a rejection, got ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
}
