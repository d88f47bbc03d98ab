// Wires the webhook route: from the upstream's POST to what is invalidated, and what subscribers hear.
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import type { WebhookEvents } from './follow/webhook-events.ts';
import { createOccasionalReport, type Report } from './report.ts';
import { createWebhookRoute, type WebhookRoute } from './server/webhook-route.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { createWebhookReader } from './tencent/webhook.ts';

export type WebhooksOptions = {
  events: Pick<WebhookEvents, 'take'>;
  clock: Clock;
  report: Report;
  metrics: Pick<Metrics, 'onWebhook'> | null;
};

/** The route and its path; null where no webhooks are configured. */
export function connectWebhooks(config: Config, options: WebhooksOptions): ({ path: string } & WebhookRoute) | null {
  const { webhook, tencent, userIdPattern } = config;
  if (!webhook) return null;
  const { events, clock, report, metrics } = options;
  const occasionally = createOccasionalReport(report, clock);
  const route = createWebhookRoute({
    reader: createWebhookReader({ token: webhook.token, sdkAppId: tencent.sdkAppId, userIdPattern, clock }),
    take(message, span) {
      if (message.type !== 'rate-alarm') return events.take(message, span);
      const { service, command, calls, limit } = message;
      const facts = { service, command, calls, limit };
      occasionally(`alarm ${command}`, 'The upstream warns: calls come near to its limit', facts);
      return 'taken';
    },
    onWebhook: (command, outcome) => metrics?.onWebhook(command, outcome),
    onRefusal(reason, command) {
      occasionally(`${command} ${reason}`, 'A webhook is refused', { reason, callback: command ?? undefined });
    },
  });
  return { path: webhook.path, ...route };
}
