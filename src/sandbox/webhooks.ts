// Tells a server on this machine what changed, signed as the upstream signs (contract 7.1 to 7.3). Nobody waits for it:
// all of these are after-events whose answer is read only to know whether the delivery counts.
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { CallbackCommand, FaultSwitches, Scope } from './faults.ts';

export type WebhookTarget = {
  /** A plain address without a query; loopback only. */
  url: string;
  /** Signs each webhook; without it they go unsigned, as when authentication is off. */
  token?: string;
  timeoutMs?: number;
  /** How often a webhook that got no answer is sent again. */
  retries?: number;
};

export type Delivery = {
  command: CallbackCommand;
  url: string;
  body: object;
  /** `refused` = answered, but not with 200 and JSON; `unanswered` = timed out or no connection. */
  outcome: 'answered' | 'refused' | 'unanswered' | 'dropped';
};

type Dependencies = { sdkAppId: number; faults: Pick<FaultSwitches, 'draw'>; now: () => number; closing: AbortSignal };
type Sender = { clientIp?: string; platform: string };

const MOST_REMEMBERED = 200;
const TIMEOUT_MS = 2000;

export type Webhooks = ReturnType<typeof createWebhooks>;

export function createWebhooks({ sdkAppId, faults, now, closing }: Dependencies) {
  let target: WebhookTarget | undefined;
  const deliveries: Delivery[] = [];
  const pending = new Set<Promise<void>>();

  function addressOf(
    to: WebhookTarget,
    command: CallbackCommand,
    sender: Sender,
    badSign: Scope<CallbackCommand> | undefined,
  ) {
    const url = new URL(to.url);
    url.searchParams.set('SdkAppid', String(sdkAppId));
    url.searchParams.set('CallbackCommand', command);
    url.searchParams.set('contenttype', 'json');
    if (sender.clientIp) url.searchParams.set('ClientIP', sender.clientIp);
    url.searchParams.set('OptPlatform', sender.platform);
    if (to.token) {
      const requestTime = String(Math.floor(now() / 1000));
      url.searchParams.set('Sign', signWebhook(badSign ? `not ${to.token}` : to.token, requestTime));
      url.searchParams.set('RequestTime', requestTime);
    }
    return url.href;
  }

  async function post(to: WebhookTarget, url: string, body: object): Promise<Delivery['outcome']> {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        // A redirect could lead away from this machine.
        redirect: 'error',
        signal: AbortSignal.any([closing, AbortSignal.timeout(to.timeoutMs ?? TIMEOUT_MS)]),
      });
      const text = await response.text();
      return response.status === 200 && isJson(text) ? 'answered' : 'refused';
    } catch {
      return 'unanswered';
    }
  }

  async function deliver(to: WebhookTarget, command: CallbackCommand, fields: object, sender: Sender): Promise<void> {
    const drawn = faults.draw(command);
    const body = { CallbackCommand: command, ...fields };
    const note = (url: string, outcome: Delivery['outcome']) => {
      deliveries.push({ command, url, body, outcome });
      if (deliveries.length > MOST_REMEMBERED) deliveries.shift();
    };
    if (drawn.webhookDrop) return note(to.url, 'dropped');
    if (drawn.webhookDelay) await delay(drawn.webhookDelay.ms, undefined, { signal: closing });
    for (let copies = drawn.webhookDuplicate ? 2 : 1; copies > 0; copies -= 1) {
      for (let tries = 1 + (to.retries ?? 0); tries > 0 && !closing.aborted; tries -= 1) {
        const url = addressOf(to, command, sender, drawn.webhookBadSign);
        const outcome = await post(to, url, body);
        note(url, outcome);
        if (outcome !== 'unanswered') break;
      }
    }
  }

  return {
    /** From now on changes are told to this address; undefined = to nobody. */
    connect(to: WebhookTarget | undefined): void {
      if (to) requireLoopback(to.url);
      target = to;
    },

    send(command: CallbackCommand, fields: object, sender: Sender): void {
      if (!target || closing.aborted) return;
      // A delivery fails only by closing down in the middle of a delay.
      const delivery = deliver(target, command, fields, sender).catch(() => {});
      pending.add(delivery);
      void delivery.then(() => pending.delete(delivery));
    },

    /** The last attempts, oldest first. */
    deliveries: (): readonly Delivery[] => deliveries,

    /** Resolves when every webhook sent so far has been answered, refused or given up. */
    async settled(): Promise<void> {
      while (pending.size > 0) await Promise.all(pending);
    },
  };
}

/** `Sign` of the query: a plain hash over token and time, which covers neither body nor command (contract 7.3). */
export function signWebhook(token: string, requestTime: string): string {
  return createHash('sha256')
    .update(token + requestTime)
    .digest('hex');
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

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
