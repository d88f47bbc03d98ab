// The way of what the upstream tells: from the endpoint to what is remembered.
import { hkdfSync } from 'node:crypto';
import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { createHints, type HintsOptions } from './follow/hints.ts';
import { createWebhookEndpoint } from './http/webhook-endpoint.ts';
import type { Metrics } from './metrics/metrics.ts';
import { createOccasionalReport, type Report } from './tencent/report.ts';
import { createWebhookReader, type WebhookRefusal } from './tencent/webhook.ts';

export type WebhooksOptions = Pick<HintsOptions, 'memory' | 'explains' | 'settling' | 'redis'> & {
  /** Where what turns out to be a fact is told. */
  changes: HintsOptions['log'];
  clock: Clock;
  log: Logger;
  report: Report;
  metrics: Metrics | null;
};

/** The upstream's largest page (contract 4.1), in which searches and walks through whole lists read. */
const LARGEST_PAGE = 1000;

const REFUSALS: Record<WebhookRefusal, string> = {
  query: 'its address is too long',
  app: 'it is for another app',
  time: 'its RequestTime is not of this minute',
  sign: 'its Sign is wrong',
};

/** The path that the console of the upstream has to be told: set, or derived so that nobody can guess it. */
export function webhookPathOf({ webhook, tencent }: Pick<Config, 'webhook' | 'tencent'>): string | null {
  if (!webhook) return null;
  if (webhook.path !== null) return webhook.path;
  const secret = hkdfSync('sha256', tencent.secretKey, 'follow-gateway', 'webhook path 1', 18);
  return `/webhooks/${Buffer.from(secret).toString('base64url')}`;
}

/** What serves webhooks, at its path; null where none are configured. */
export function connectWebhooks(config: Config, options: WebhooksOptions) {
  const { webhook, tencent, userIdPattern } = config;
  const path = webhookPathOf(config);
  if (!webhook || path === null) return null;
  const { changes, clock, log, report, metrics, ...memory } = options;
  const occasionally = createOccasionalReport(report, clock);
  const reader = createWebhookReader({ token: webhook.token, sdkAppId: tencent.sdkAppId, userIdPattern, clock });
  const hints = createHints({
    ...memory,
    log: changes,
    clock,
    lagMs: config.writeLagMs,
    pageSizes: [config.chunkSize, LARGEST_PAGE],
    onBug: (error) => log.error({ err: error }, 'A bug of ours failed a webhook'),
  });
  const endpoint = createWebhookEndpoint({
    admit(url) {
      const admission = reader.admit(url);
      return admission.refusal === null ? admission : { refusal: REFUSALS[admission.refusal] };
    },
    parse: reader.parse,
    take(message) {
      if (message.type !== 'rate-alarm') return hints.take(message);
      const { service, command, calls, limit } = message;
      const facts = { service, command, calls, limit };
      occasionally(`alarm ${command}`, 'The upstream warns: calls come near to its limit', facts);
      return 'taken';
    },
    onWebhook: (command, outcome) => metrics?.onWebhook(command, outcome),
    onRefusal(reason, command) {
      occasionally(`${command} ${reason}`, 'A webhook is refused', { reason, callback: command ?? undefined });
    },
    clock,
  });
  return { path, ...endpoint, close: hints.close };
}
