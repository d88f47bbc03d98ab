// Where the upstream sends its webhooks. One with a wrong address is refused before its body is read; one that is taken
// is answered before anything is done about it, since the upstream waits no longer than 2 s.
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What the address alone tells; `command` is null for one that is signed, but of no use here. */
export type Admission<Command extends string> =
  | { readonly refusal: string }
  | { readonly refusal: null; readonly command: Command | null };

export type WebhookRouteOptions<Command extends string, Message> = {
  admit(url: string): Admission<Command>;
  /** What a body says; null when it makes no sense. */
  parse(command: Command, text: string): Message | null;
  /** Does at once what cannot wait, and the rest later; answers how it is to be counted. */
  take(message: Message): string;
  /** Told once of every webhook. `command` is null where it is unknown, or unproven. */
  onWebhook(command: Command | null, outcome: string): void;
  /** Told of what is refused: why, in fixed words. */
  onRefusal(reason: string, command: Command | null): void;
};

export type WebhookRoute = { serve(request: IncomingMessage, response: ServerResponse): Promise<void> };

/** The upstream's largest, a whole profile, takes a quarter of this. */
const MAX_BODY_BYTES = 65_536;

/** Serves webhooks of the upstream. Its answers have the upstream's shape (upstream contract, 7.2). */
export function createWebhookRoute<Command extends string, Message>(
  options: WebhookRouteOptions<Command, Message>,
): WebhookRoute {
  const { admit, parse, take, onWebhook, onRefusal } = options;

  return {
    async serve(request, response) {
      const refuse = (status: number, outcome: string, reason: string, command: Command | null = null) => {
        onWebhook(command, outcome);
        onRefusal(reason, command);
        // A short rest of the body is dropped by Node; a long or endless one goes with its connection.
        if (isLong(request)) response.setHeader('connection', 'close');
        answer(response, status, 'FAIL', `The webhook is refused: ${reason}.`);
      };
      if (request.method !== 'POST') {
        response.setHeader('allow', 'POST');
        return refuse(405, 'refused', 'webhooks are posted');
      }
      const admission = admit(request.url ?? '');
      if (admission.refusal !== null) return refuse(403, 'refused', admission.refusal);
      const { command } = admission;
      if (command === null) {
        onWebhook(null, 'ignored');
        return answer(response, 200);
      }
      const text = await readBody(request);
      if (text === null) return refuse(413, 'malformed', 'its body is too large', command);
      const message = parse(command, text);
      if (message === null) return refuse(400, 'malformed', 'its body makes no sense', command);
      answer(response, 200);
      onWebhook(command, take(message));
    },
  };
}

const isLong = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > MAX_BODY_BYTES;

/** Null for a body that is too large, of which the rest is dropped as it comes. Rejects when the sender goes away. */
function readBody(request: IncomingMessage): Promise<string | null> {
  return new Promise((resolve, reject) => {
    let read: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes <= MAX_BODY_BYTES) read.push(chunk);
      else {
        read = [];
        resolve(null);
      }
    });
    request.on('end', () => resolve(Buffer.concat(read).toString('utf8')));
    request.on('error', reject);
  });
}

function answer(response: ServerResponse, status: number, state: 'OK' | 'FAIL' = 'OK', info = ''): void {
  const body = JSON.stringify({ ActionStatus: state, ErrorCode: status === 200 ? 0 : status, ErrorInfo: info });
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(body);
}
