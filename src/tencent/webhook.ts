// Reads the upstream's webhooks (CONTRACT 7) in the domain's words. Their signature covers neither body nor
// command, so that what is read here has to be confirmed.
import { hash, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { isUserId, type UserId } from '../follow/model.ts';
import type { WebhookEvent } from '../follow/webhook-events.ts';
import { isRecord, parseJson } from '../json.ts';
import { isCount } from './upstream-errors.ts';

export const CALLBACK_COMMANDS = [
  'Follow.CallbackAfterFollowAdd',
  'Follow.CallbackAfterFollowDelete',
  'Profile.CallbackPortraitSet',
  'Sns.CallbackBlackListAdd',
  'Sns.CallbackBlackListDelete',
  'State.StateChange',
  'Alert.RequestOverLimit',
] as const;
export type CallbackCommand = (typeof CALLBACK_COMMANDS)[number];

const NAME = z.string().regex(/^[\w.]{1,64}$/);
const COUNT = z.int().nonnegative();
/** The app nears a command's rate limit: the number of calls, and of those allowed in a second. */
const ALARM = z
  .object({ ServiceName: NAME, Command: NAME, Request: COUNT, Limit: COUNT })
  .transform(({ ServiceName: service, Command: command, Request: calls, Limit: limit }) => {
    return { type: 'rate-alarm' as const, service, command, calls, limit };
  });
export type RateAlarm = z.infer<typeof ALARM>;

/** What the query alone tells: why it is not the upstream's, or a command, null for one that is signed but not known here. */
type Admission = { refusal: string } | { refusal: null; command: CallbackCommand | null };

type WebhookReaderOptions = { token: string; sdkAppId: number; userIdPattern: RegExp; clock: Clock };

/** The upstream's own queries are a fifth of this. */
const MAX_URL_LENGTH = 2048;
/** How much a webhook's time may differ from ours (CONTRACT 7.3). */
const WINDOW_SECONDS = 60;
/** One webhook tells of one request, which has 20 targets at most. */
const MAX_TARGETS = 100;
/** The same of blocks (CONTRACT 10). */
const MAX_PAIRS = 1000;
/** An event that claims to be further ahead, or longer ago, has its time wrong; one that is less ahead counts as now. */
const EARLIEST_MS = 300_000;
const LATEST_MS = 86_400_000;

export function createWebhookReader({ token, sdkAppId, userIdPattern, clock }: WebhookReaderOptions) {
  const isOurs = (value: unknown): value is UserId => isUserId(value) && userIdPattern.test(value);

  function isSigned(sign: string, requestTime: string): boolean {
    const right = hash('sha256', token + requestTime, 'buffer');
    return /^[0-9a-f]{64}$/.test(sign) && timingSafeEqual(Buffer.from(sign, 'hex'), right);
  }

  function parseTime(value: unknown): number {
    const now = clock.now();
    if (!isCount(value) || value > now + EARLIEST_MS || value < now - LATEST_MS) return now;
    // What has happened did not happen later than now, whatever the upstream's clock says.
    return Math.min(value, now);
  }

  const ID = z.custom<UserId>(isOurs);
  /** Follows list objects and unfollows strings (CONTRACT 0); the upstream does not promise that it stays so. */
  const TARGET = z.preprocess((item) => (isRecord(item) ? item.To_Account : item), ID);
  const TARGETS = z.array(TARGET).min(1).max(MAX_TARGETS);
  const PAIRS = z
    .array(z.object({ From_Account: ID, To_Account: ID }))
    .min(1)
    .max(MAX_PAIRS);

  return {
    /** Judges a request by its address, before anything of its body is read. */
    admit(url: string): Admission {
      if (url.length > MAX_URL_LENGTH) return { refusal: 'its address is too long' };
      const query = new URLSearchParams(url.slice(url.indexOf('?') + 1));
      if (query.get('SdkAppid') !== String(sdkAppId)) return { refusal: 'it is for another app' };
      const requestTime = query.get('RequestTime') ?? '';
      const differsBySeconds = Math.abs(clock.now() / 1000 - Number(requestTime));
      if (!/^\d{1,12}$/.test(requestTime) || differsBySeconds > WINDOW_SECONDS)
        return { refusal: 'its RequestTime is not of this minute' };
      if (!isSigned(query.get('Sign') ?? '', requestTime)) return { refusal: 'its Sign is wrong' };
      const name = query.get('CallbackCommand');
      return { refusal: null, command: CALLBACK_COMMANDS.find((command) => command === name) ?? null };
    },

    /** What a body says; null when it is not one of `command`. */
    parse(command: CallbackCommand, text: string): WebhookEvent | RateAlarm | null {
      const body = parseJson(text);
      if (!isRecord(body) || body.CallbackCommand !== command) return null;
      if (command === 'Alert.RequestOverLimit') return ALARM.safeParse(body).data ?? null;
      const at = parseTime(body.EventTime);
      if (command.startsWith('Sns.')) {
        const pairs = PAIRS.safeParse(body.PairList).data?.map((pair) => ({
          from: pair.From_Account,
          to: pair.To_Account,
        }));
        return pairs ? { type: 'blocks-changed', pairs, at } : null;
      }
      if (command === 'State.StateChange') {
        const userId = isRecord(body.Info) ? body.Info.To_Account : null;
        return isOurs(userId) ? { type: 'presence-changed', userId, at } : null;
      }
      const from = body.From_Account;
      if (!isOurs(from)) return null;
      if (command === 'Profile.CallbackPortraitSet') return { type: 'profile-changed', userId: from, at };
      const to = [...new Set(TARGETS.safeParse(body.FollowList ?? body.To_Account).data)];
      if (to.length === 0 || to.includes(from)) return null;
      return { type: command === 'Follow.CallbackAfterFollowAdd' ? 'followed' : 'unfollowed', from, to, at };
    },
  };
}
