// Where the upstream tells of changes: junk is refused by its address alone, and what is taken is answered before anything
// is done about it (contract 7.2).
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import { linger, readBody } from './body.ts';

/** What the address alone tells; `command` is null for one that is signed, but of no use here. */
export type Admission<Command extends string> =
  | { readonly refusal: string }
  | { readonly refusal: null; readonly command: Command | null };

export type WebhookEndpointOptions<Command extends string, Message> = {
  admit(url: string): Admission<Command>;
  /** What a body says; null when it makes no sense. */
  parse(command: Command, text: string): Message | null;
  /** Does at once what cannot wait, and the rest later; answers how it is to be counted. */
  take(message: Message): string;
  /** Told once of every webhook. `command` is null where it is unknown, or unproven. */
  onWebhook(command: Command | null, outcome: string): void;
  /** Told of what is refused: why, in fixed words. */
  onRefusal(reason: string, command: Command | null): void;
  clock: Clock;
};

/** The upstream's largest, a whole profile, takes a quarter of this. */
const MOST_BODY_BYTES = 65_536;

export const WEBHOOK_TYPE = 'application/json; charset=utf-8';

const OK = writeAnswer('OK', 0, '');

export type WebhookEndpoint = {
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Refuses a webhook that was posted, where its address alone tells: the answer's body. Null: it has to be served. */
  refuse(url: string): string | null;
};

/** What is refused by its address, or by its signature, which is in there. */
export const REFUSED = 403;

/** Serves webhooks of the upstream. Its answers have the upstream's shape. */
export function createWebhookEndpoint<Command extends string, Message>(
  options: WebhookEndpointOptions<Command, Message>,
): WebhookEndpoint {
  const { admit, parse, take, onWebhook, onRefusal, clock } = options;

  /** Reasons are in fixed words, so they are few. */
  const texts = new Map<string, string>();

  function refusal(status: number, outcome: string, reason: string, command: Command | null = null): string {
    onWebhook(command, outcome);
    onRefusal(reason, command);
    const text = texts.get(reason) ?? writeAnswer('FAIL', status, `The webhook is refused: ${reason}.`);
    texts.set(reason, text);
    return text;
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const admission = request.method === 'POST' ? admit(request.url ?? '') : null;
    if (admission === null || admission.refusal !== null || admission.command === null) {
      leaveBody(request, response);
      if (admission === null) {
        response.setHeader('allow', 'POST');
        return answer(response, 405, refusal(405, 'refused', 'webhooks are posted'));
      }
      if (admission.refusal !== null) return answer(response, REFUSED, refusal(REFUSED, 'refused', admission.refusal));
      onWebhook(null, 'ignored');
      return answer(response, 200, OK);
    }
    const { command } = admission;
    const isTooLarge = Number(request.headers['content-length']) > MOST_BODY_BYTES;
    const text = isTooLarge ? null : await readBody(request, MOST_BODY_BYTES);
    if (text === null) {
      response.setHeader('connection', 'close');
      onWebhook(command, 'malformed');
      onRefusal('its body is too large', command);
      response.writeHead(413, { 'content-type': WEBHOOK_TYPE });
      response.write(writeAnswer('FAIL', 413, `The body is larger than ${MOST_BODY_BYTES} bytes.`));
      await linger(request, clock);
      response.end();
      return;
    }
    const message = parse(command, text);
    if (message === null) return answer(response, 400, refusal(400, 'malformed', 'its body makes no sense', command));
    answer(response, 200, OK);
    onWebhook(command, take(message));
  }

  return {
    serve,
    refuse(url) {
      const { refusal: reason } = admit(url);
      return reason === null ? null : refusal(REFUSED, 'refused', reason);
    },
  };
}

/** What is refused is not read: Node drops a small rest by itself, and a large or endless one goes with its connection. */
function leaveBody(request: IncomingMessage, response: ServerResponse): void {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (encoding === undefined && Number(length ?? 0) <= MOST_BODY_BYTES) return;
  response.setHeader('connection', 'close');
}

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': WEBHOOK_TYPE, 'content-length': Buffer.byteLength(body) }).end(body);
}

function writeAnswer(status: 'OK' | 'FAIL', code: number, info: string): string {
  return JSON.stringify({ ActionStatus: status, ErrorCode: code, ErrorInfo: info });
}
