// Users get new fans while queries run, with a webhook for servers that take them; what must be seen from then on.
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { APP_ID, type ServerProcess } from '../measuring/servers.ts';
import { createZipf } from '../reference/mix.ts';
import { createRandom } from '../reference/random.ts';
import { USERS, userOf } from '../reference/world.ts';
import { WEBHOOK } from './servers.ts';

const CHANGES_PER_SECOND = 5;
/** A change must show after so long. */
const SHOWN_AFTER_MS = 1000;
const COMMAND = 'Follow.CallbackAfterFollowAdd';

/** Makes changes until it is stopped. `webhooks`: where webhooks go. */
export function startChanges(upstream: ServerProcess, webhooks: string | null, seed: number) {
  const random = createRandom(seed + 1);
  const pickRank = createZipf(USERS);
  const truths = new Map<number, { at: number; fans: number }[]>();
  let isOver = false;

  async function change(): Promise<void> {
    const [follower, followee] = [Math.floor(random() * USERS), pickRank(random())];
    const body = JSON.stringify({ follower, followee });
    const fans = Number(await (await fetch(`${upstream.origin}/follow`, { method: 'POST', body })).text());
    truths.set(followee, [...(truths.get(followee) ?? []), { at: performance.now(), fans }]);
    if (webhooks) await sendWebhook(webhooks, userOf(follower), userOf(followee));
  }

  void (async () => {
    while (!isOver) {
      await delay(1000 / CHANGES_PER_SECOND);
      // The server may have been stopped.
      await change().catch(() => {});
    }
  })();

  return {
    /** The least number of fans that a query may show which leaves now; changes of the last second may be missing. */
    leastFansOf(rank: number): number {
      const before = performance.now() - SHOWN_AFTER_MS;
      return truths.get(rank)?.findLast(({ at }) => at < before)?.fans ?? 0;
    },
    stop(): void {
      isOver = true;
    },
  };
}

async function sendWebhook(origin: string, follower: string, followee: string): Promise<void> {
  const RequestTime = String(Math.floor(Date.now() / 1000));
  const Sign = createHash('sha256').update(`${WEBHOOK.WEBHOOK_TOKEN}${RequestTime}`).digest('hex');
  const what = { SdkAppid: APP_ID, CallbackCommand: COMMAND, contenttype: 'json', Sign, RequestTime };
  const url = `${origin}${WEBHOOK.WEBHOOK_PATH}?${new URLSearchParams(what)}`;
  const FollowList = [{ To_Account: followee }];
  const body = JSON.stringify({ CallbackCommand: COMMAND, From_Account: follower, FollowList, EventTime: Date.now() });
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  if (!response.ok) process.stderr.write(`A webhook was answered with ${response.status}.\n`);
  await response.arrayBuffer();
}
