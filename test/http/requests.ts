// Requests as hostile and careless clients send them, and what the gateway must never show in return.
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import type { Answer, TestGateway } from '../support/gateway.ts';

type LogLine = { level: number; msg: string; err?: { message: string; stack: string } } & Record<string, unknown>;

const ERROR_LEVEL = 50;

/** The shortest body of a request. */
export const TYPENAME = '{"query":"{ __typename }"}';

type Addressed = Pick<TestGateway, 'url'>;

/** Sends a body as it is; a type of null leaves the content type out. */
export function post(
  gateway: Addressed,
  body: string | Uint8Array<ArrayBuffer>,
  type: string | null = 'application/json',
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { ...(type && { 'content-type': type }), ...headers },
    // fetch names a type by itself for strings, but not for bytes.
    body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
  });
}

/** Asks by GET, as a URL that anybody could click. */
export const get = (
  gateway: Addressed,
  parameters: Record<string, string>,
  init: RequestInit = {},
): Promise<Response> => fetch(`${gateway.url}/graphql?${new URLSearchParams(parameters)}`, init);

/** The headers of a stream of events, which ends then. */
export async function streamHeaders(gateway: Addressed, headers: Record<string, string> = {}): Promise<Headers> {
  const query = 'subscription { followEvents(userId: "anna") { __typename } }';
  const response = await get(gateway, { query }, { headers: { accept: 'text/event-stream', ...headers } });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  await response.body?.cancel();
  return response.headers;
}

/** The lines of a gateway's log, or those of one message. */
export function logged({ logLines }: Pick<TestGateway, 'logLines'>, message?: string): LogLine[] {
  const lines = logLines.map((line) => JSON.parse(line) as LogLine);
  return message === undefined ? lines : lines.filter(({ msg }) => msg === message);
}

/** The log lines of `count` requests, as soon as they are there: a line follows its answer. */
export async function requestLines(gateway: TestGateway, count = 1): Promise<LogLine[]> {
  for (;;) {
    const lines = logged(gateway, 'request');
    if (lines.length >= count) return lines;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export function bugs(gateway: TestGateway): LogLine[] {
  return logged(gateway).filter(({ level }) => level >= ERROR_LEVEL);
}

/** What only we have to know of an error. */
export const INSIDES = /stack|node_modules|\.ts\b|\bat [\w.]+ \(|originalError/;

/** Reads a refusal: JSON in GraphQL's shape with a code for every error and nothing of our insides, no bug, no call. */
export async function readRefusal(gateway: TestGateway, response: Response): Promise<Answer> {
  const text = await response.text();
  expect(response.status).toBeLessThan(500);
  expect(response.headers.get('content-type')).toMatch(/^application\/(graphql-response\+)?json/);
  expect(text).not.toMatch(INSIDES);
  const answer = JSON.parse(text) as Answer;
  expect(answer.errors?.length).toBeGreaterThan(0);
  for (const { message, extensions } of answer.errors ?? []) {
    expect(message).toEqual(expect.any(String));
    expect(message.length).toBeLessThanOrEqual(501);
    expect(extensions.code).toMatch(/^[A-Z_]+$/);
    expect(extensions.code).not.toBe('INTERNAL_SERVER_ERROR');
  }
  expect(answer.data ?? null).toBeNull();
  expect(bugs(gateway)).toEqual([]);
  expect(gateway.sandbox.calls.count()).toBe(0);
  return answer;
}

export const codesOf = ({ errors }: Answer): string[] => errors?.map(({ extensions }) => extensions.code) ?? [];

/** Expects a refusal with this status and this code alone; its message. */
export async function expectRefused(
  gateway: TestGateway,
  response: Response,
  status: number,
  code = 'BAD_REQUEST',
): Promise<string> {
  const answer = await readRefusal(gateway, response);
  expect([response.status, ...codesOf(answer)]).toEqual([status, code]);
  return answer.errors?.[0]?.message ?? '';
}

/** A connection on which a test writes bytes of its own. */
export function openSocket(gateway: TestGateway) {
  const { hostname, port } = new URL(gateway.url);
  const socket: Socket = connect(Number(port), hostname);
  let received = '';
  let failure: Error | null = null;
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text;
  });
  socket.on('error', (error) => {
    failure = error;
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  onTestFinished(() => {
    socket.destroy();
  });
  return {
    socket,
    closed,
    failure: () => failure,
    write: (bytes: string) => new Promise<void>((resolve) => socket.write(bytes, () => resolve())),
    /** What has been received, as soon as it matches. */
    async until(pattern: RegExp): Promise<string> {
      while (!pattern.test(received)) await new Promise((resolve) => socket.once('data', resolve));
      return received;
    },
  };
}

export const head = (lines: string): string =>
  `POST /graphql HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n${lines}\r\n\r\n`;
