// GraphQL for mini programs and uni-app, over what `wx`, `uni` and their like have in place of `fetch` and `WebSocket`.
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
import type { ErrorCode } from './shape.ts';

/** The part of `wx` or `uni` that is used. */
export type MiniProgram = {
  request(options: {
    url: string;
    method: 'POST';
    header: Record<string, string>;
    data: object;
    success(answer: { data: unknown; statusCode: number }): void;
    fail(problem: { errMsg?: string }): void;
  }): unknown;
  connectSocket(options: { url: string; protocols: string[]; complete(): void }): SocketTask;
};

type SocketTask = {
  onOpen(listener: () => void): void;
  onMessage(listener: (message: { data: string | ArrayBuffer }) => void): void;
  onClose(listener: (closed: { code?: number }) => void): void;
  onError(listener: () => void): void;
  send(options: { data: string }): void;
  close(options: { code: number }): void;
};

/** An operation as text, with its types: one of `./texts`, or what GraphQL Code Generator makes as `documentMode: 'string'`. */
export type TypedText<Result, Variables> = { toString(): string } & DocumentTypeDecoration<Result, Variables>;

export type ClientError = {
  message: string;
  path?: (string | number)[];
  /** `NETWORK_FAILED` where there was no answer of the gateway. */
  extensions: {
    code: ErrorCode | 'NETWORK_FAILED';
    upstream?: { command: string; errorCode?: number; retryable: boolean; retryAfterMs?: number };
  };
};

/** Both may be there: a field that failed is null, and the rest holds. */
export type Answer<Result> = { data: Result | null; errors: ClientError[] };

export type Sink<Result> = {
  next(answer: Answer<Result>): void;
  /** The gateway refused the subscription. */
  error?(errors: ClientError[]): void;
  complete?(): void;
};

export type MiniProgramOptions = {
  /** Where the gateway is, for example `https://api.example/graphql`. */
  url: string;
  /** Credentials, read again for each request and each connection. */
  headers?: () => Record<string, string>;
  /** How long to wait before a lost subscription is opened again, by how often that has failed in a row. */
  retryDelayMs?: (failures: number) => number;
};

/** A connection that ends with one of these would end the same way again. */
const FATAL_CODES = [4400, 4401, 4406, 4409, 4429, 4500];

const backOff = (failures: number) => Math.min(1000 * 2 ** failures, 30_000) * (0.5 + Math.random() / 2);

/** Asks and subscribes; nothing rejects or throws. */
export function createMiniProgramClient(
  platform: MiniProgram,
  { url, headers = () => ({}), retryDelayMs = backOff }: MiniProgramOptions,
) {
  return {
    request<Result, Variables extends object>(
      document: TypedText<Result, Variables>,
      variables: Variables,
    ): Promise<Answer<Result>> {
      return new Promise((resolve) =>
        platform.request({
          url,
          method: 'POST',
          header: { 'content-type': 'application/json', ...headers() },
          data: { query: String(document), variables },
          success: ({ data, statusCode }) => resolve(readAnswer(data) ?? networkFailed(`HTTP ${statusCode}`)),
          fail: ({ errMsg = '' }) => resolve(networkFailed(errMsg)),
        }),
      );
    },

    /** Subscribes on a connection of its own, opened again after a break from the last event on. Returns what ends it. */
    subscribe<Result, Variables extends object>(
      document: TypedText<Result, Variables>,
      variables: Variables,
      sink: Sink<Result>,
    ): () => void {
      let { after } = variables as { after?: unknown };
      let failures = 0;
      let end = () => {};

      const connect = () => {
        const task = platform.connectSocket({
          url: url.replace('http', 'ws'),
          protocols: ['graphql-transport-ws'],
          // Without a callback uni-app answers a promise.
          complete() {},
        });
        const say = (message: object) => task.send({ data: JSON.stringify(message) });
        let isOver = false;
        // Platforms differ in what they tell of an end, and how often: the first one counts.
        const endOnce = (then: () => void) => {
          if (isOver) return;
          isOver = true;
          then();
        };
        const lose = (code = 0) =>
          endOnce(() => {
            if (FATAL_CODES.includes(code))
              return sink.error?.(networkFailed(`The connection ended with ${code}.`).errors);
            const timer = setTimeout(connect, retryDelayMs(failures++));
            end = () => clearTimeout(timer);
          });
        const leave = (then?: () => void) =>
          endOnce(() => {
            task.close({ code: 1000 });
            then?.();
          });
        end = leave;
        const receive: Record<string, (payload: unknown) => void> = {
          connection_ack() {
            const payload = { query: String(document), variables: { ...variables, after } };
            say({ id: '1', type: 'subscribe', payload });
          },
          ping: () => say({ type: 'pong' }),
          next(payload) {
            failures = 0;
            const answer = readAnswer<Result>(payload) ?? networkFailed('This is no answer.');
            for (const event of Object.values(answer.data ?? {}) as ({ cursor?: string } | null)[])
              after = event?.cursor ?? after;
            sink.next(answer);
          },
          error: (payload) => leave(() => sink.error?.(payload as ClientError[])),
          complete: () => leave(() => sink.complete?.()),
        };
        task.onOpen(() => say({ type: 'connection_init', payload: headers() }));
        task.onMessage(({ data }) => {
          const { type, payload } = JSON.parse(String(data)) as { type: string; payload?: unknown };
          if (!isOver) receive[type]?.(payload);
        });
        task.onError(() => lose());
        task.onClose(({ code }) => lose(code));
      };

      connect();
      return () => end();
    },
  };
}

function readAnswer<Result>(body: unknown): Answer<Result> | undefined {
  if (typeof body !== 'object' || body === null || !('data' in body || 'errors' in body)) return undefined;
  return { data: null, errors: [], ...(body as Partial<Answer<Result>>) };
}

const networkFailed = (message: string): Answer<never> => ({
  data: null,
  errors: [{ message, extensions: { code: 'NETWORK_FAILED' } }],
});
