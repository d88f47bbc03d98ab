// The endpoint of the upstream's webhooks. One with a wrong address is refused before its body is read; one that is taken
// is answered before anything is done about it, since the upstream waits no longer than 2 s.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import type { WebhookEvent, WebhookEvents } from './follow/webhook-events.ts';
import { createOccasionalReport, type Report } from './report.ts';
import { readBody } from './server/http-server.ts';
import type { Span } from './span.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { createWebhookReader, type RateAlarm } from './tencent/webhook.ts';

export type WebhooksOptions = {
  events: Pick<WebhookEvents, 'take'>;
  clock: Clock;
  report: Report;
  metrics: Pick<Metrics, 'onWebhook'> | null;
};

/** The upstream's largest, a whole profile, takes a quarter of this. */
const MAX_BODY_BYTES = 65_536;

/** The route and its path; null where no webhooks are configured. Answers have the upstream's shape (CONTRACT 7.2). */
export function createWebhooks(config: Config, { events, clock, report, metrics }: WebhooksOptions) {
  const { webhook, tencent, userIdPattern } = config;
  if (!webhook) return null;
  const reader = createWebhookReader({ token: webhook.token, sdkAppId: tencent.sdkAppId, userIdPattern, clock });
  const occasionally = createOccasionalReport(report, clock);

  async function serve(request: IncomingMessage, response: ServerResponse, span: Span): Promise<void> {
    const refuse = (status: number, outcome: string, reason: string, command: string | null = null) => {
      metrics?.onWebhook(command, outcome);
      occasionally(`${command} ${reason}`, 'A webhook is refused', { reason, callback: command ?? undefined });
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
      metrics?.onWebhook(null, 'ignored');
      return answer(response);
    }
    const text = await readBody(request, MAX_BODY_BYTES);
    if (text === null) return refuse(413, 'malformed', 'its body is too large', command);
    const message = reader.parse(command, text);
    if (message === null) return refuse(400, 'malformed', 'its body makes no sense', command);
    answer(response);
    const outcome = take(message, span);
    metrics?.onWebhook(command, outcome);
  }

  function take(message: WebhookEvent | RateAlarm, span: Span): string {
    if (message.type !== 'rate-alarm') return events.take(message, span);
    const { type: _, ...facts } = message;
    occasionally(`alarm ${facts.command}`, 'The upstream warns: calls come near to its limit', facts);
    return 'taken';
  }

  return { path: webhook.path, serve };
}

const isLong = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > MAX_BODY_BYTES;

function answer(response: ServerResponse, failure = 0, info = ''): void {
  const body = JSON.stringify({ ActionStatus: failure ? 'FAIL' : 'OK', ErrorCode: failure, ErrorInfo: info });
  response.writeHead(failure || 200, { 'content-type': 'application/json; charset=utf-8' }).end(body);
}
