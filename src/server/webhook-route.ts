// The endpoint of the upstream's webhooks. One with a wrong address is refused before its body is read; one that is taken
// is answered before anything is done about it, since the upstream waits no longer than 2 s.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Span } from '../span.ts';
import { readBody } from './body.ts';

export type WebhookRouteOptions<Message> = {
  reader: {
    /** Judges a webhook by its address; `command` is null for one that is signed, but of no use here. */
    admit(url: string): { readonly refusal: string } | { readonly refusal: null; readonly command: string | null };
    /** What a body says; null when it makes no sense. */
    parse(command: string, text: string): Message | null;
  };
  /** Does at once what cannot wait, and the rest later; answers how it is to be counted. */
  take(message: Message, span: Span): string;
  /** Called once for every webhook. `command` is null where it is unknown, or unproven. */
  onWebhook(command: string | null, outcome: string): void;
  onRefusal(reason: string, command: string | null): void;
};

export type WebhookRoute = { serve(request: IncomingMessage, response: ServerResponse, span: Span): Promise<void> };

/** The upstream's largest, a whole profile, takes a quarter of this. */
const MAX_BODY_BYTES = 65_536;

/** Serves webhooks of the upstream. Its answers have the upstream's shape (CONTRACT 7.2). */
export function createWebhookRoute<Message>(options: WebhookRouteOptions<Message>): WebhookRoute {
  const { reader, take, onWebhook, onRefusal } = options;

  return {
    async serve(request, response, span) {
      const refuse = (status: number, outcome: string, reason: string, command: string | null = null) => {
        onWebhook(command, outcome);
        onRefusal(reason, command);
        // A short rest of the body is dropped by Node; a long or endless one goes with its connection.
        if (isLong(request)) response.setHeader('connection', 'close');
        answer(response, status, `The webhook is refused: ${reason}.`);
      };
      if (request.method !== 'POST') {
        response.setHeader('allow', 'POST');
        return refuse(405, 'refused', 'webhooks are posted');
      }
      const admission = reader.admit(request.url ?? '');
      if (admission.refusal !== null) return refuse(403, 'refused', admission.refusal);
      const { command } = admission;
      if (command === null) {
        onWebhook(null, 'ignored');
        return answer(response);
      }
      const text = await readBody(request, MAX_BODY_BYTES);
      if (text === null) return refuse(413, 'malformed', 'its body is too large', command);
      const message = reader.parse(command, text);
      if (message === null) return refuse(400, 'malformed', 'its body makes no sense', command);
      answer(response);
      onWebhook(command, take(message, span));
    },
  };
}

const isLong = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > MAX_BODY_BYTES;

function answer(response: ServerResponse, failure = 0, info = ''): void {
  const body = JSON.stringify({ ActionStatus: failure ? 'FAIL' : 'OK', ErrorCode: failure, ErrorInfo: info });
  response.writeHead(failure || 200, { 'content-type': 'application/json; charset=utf-8' }).end(body);
}
