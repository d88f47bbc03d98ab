// Sends webhooks to a server on this machine, signed as the upstream signs (CONTRACT 7.1 to 7.3). Nothing waits for
// them: all are after-events whose answer only decides whether the delivery counts.
import { createHash } from 'node:crypto';
import { parseJson } from '../json.ts';

export type WebhookTarget = {
  /** A plain address without a query; loopback only. */
  url: string;
  /** Signs each webhook; without it they go unsigned, as when authentication is off. */
  token?: string;
  timeoutMs?: number;
};

export type Delivery = {
  command: string;
  url: string;
  body: object;
  /** `refused` = answered, but not with 200 and JSON; `unanswered` = timed out or no connection. */
  outcome: 'answered' | 'refused' | 'unanswered';
};

type Dependencies = { sdkAppId: number; now: () => number; closing: AbortSignal };

const MAX_DELIVERIES = 200;
const TIMEOUT_MS = 2000;

export type Webhooks = ReturnType<typeof createWebhooks>;

export function createWebhooks({ sdkAppId, now, closing }: Dependencies) {
  let target: WebhookTarget | undefined;
  const deliveries: Delivery[] = [];
  const pending = new Set<Promise<void>>();

  function signedUrl(address: string, command: string, token: string | undefined): string {
    const url = new URL(address);
    const requestTime = String(Math.floor(now() / 1000));
    url.search = new URLSearchParams({
      SdkAppid: String(sdkAppId),
      CallbackCommand: command,
      contenttype: 'json',
      // The gateway reads neither of these two.
      ClientIP: '127.0.0.1',
      OptPlatform: 'RESTAPI',
      ...(token !== undefined && { Sign: signWebhook(token, requestTime), RequestTime: requestTime }),
    }).toString();
    return url.href;
  }

  async function post(url: string, body: object, timeoutMs: number): Promise<Delivery['outcome']> {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        // A redirect could lead away from this machine.
        redirect: 'error',
        signal: AbortSignal.any([closing, AbortSignal.timeout(timeoutMs)]),
      });
      const isJson = parseJson(await response.text()) !== undefined;
      return response.status === 200 && isJson ? 'answered' : 'refused';
    } catch {
      return 'unanswered';
    }
  }

  async function deliver(to: WebhookTarget, command: string, fields: object): Promise<void> {
    const body = { CallbackCommand: command, ...fields };
    const url = signedUrl(to.url, command, to.token);
    deliveries.push({ command, url, body, outcome: await post(url, body, to.timeoutMs ?? TIMEOUT_MS) });
    if (deliveries.length > MAX_DELIVERIES) deliveries.shift();
  }

  return {
    /** From now on webhooks go to this address; undefined = to none. */
    connect(to: WebhookTarget | undefined): void {
      if (to) requireLoopback(to.url);
      target = to;
    },

    send(command: string, fields: object): void {
      if (!target || closing.aborted) return;
      const delivery = deliver(target, command, fields).finally(() => pending.delete(delivery));
      pending.add(delivery);
    },

    /** The last attempts, oldest first. */
    deliveries: (): readonly Delivery[] => deliveries,

    /** Resolves when every webhook sent so far has been answered, refused or given up. */
    async settled(): Promise<void> {
      while (pending.size > 0) await Promise.all(pending);
    },
  };
}

/** `Sign` of the query: a plain hash over token and time, which covers neither body nor command (CONTRACT 7.3). */
export function signWebhook(token: string, requestTime: string): string {
  return createHash('sha256').update(`${token}${requestTime}`).digest('hex');
}

function requireLoopback(address: string): void {
  if (!/^https?:\/\/[^\s!$&?]+$/.test(address)) {
    throw new Error(`Webhook URL ${JSON.stringify(address)} must be http(s), without a query, spaces or any of ! $ &`);
  }
  const { hostname } = new URL(address);
  if (hostname !== 'localhost' && hostname !== '[::1]' && !/^127(\.\d+){3}$/.test(hostname)) {
    throw new Error(`Webhook host ${hostname} is not this machine: the sandbox calls loopback addresses only`);
  }
}
