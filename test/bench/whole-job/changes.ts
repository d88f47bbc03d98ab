// Users get new fans while queries run, with a webhook for servers that take them; what must be seen from then on.
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom } from '../../../src/sandbox/seed.ts';
import { createWebhooks } from '../../../src/sandbox/webhooks.ts';
import { APP_ID, type ServerProcess } from '../measuring/servers.ts';
import { createZipf, SEED } from '../reference/mix.ts';
import { USERS, userOf } from '../reference/world.ts';
import { WEBHOOK } from './servers.ts';

const CHANGES_PER_SECOND = 5;
/** A change must show after so long. */
const SHOWN_AFTER_MS = 1000;

/** Makes changes until it is stopped. `origin`: of the server to which webhooks go. */
export function startChanges(upstream: ServerProcess, origin: string | null) {
  const random = createRandom(SEED + 1);
  const pickRank = createZipf(USERS);
  const truths = new Map<number, { at: number; fans: number }[]>();
  const closing = new AbortController();
  const shared = { sdkAppId: Number(APP_ID), now: Date.now, closing: closing.signal };
  const webhooks = createWebhooks(shared);
  const { WEBHOOK_PATH, WEBHOOK_TOKEN } = WEBHOOK;
  if (origin) webhooks.connect({ url: `${origin}${WEBHOOK_PATH}`, token: WEBHOOK_TOKEN });

  async function change(): Promise<void> {
    const [follower, followee] = [Math.floor(random() * USERS), pickRank(random())];
    const body = JSON.stringify({ follower, followee });
    const fans = Number(await (await fetch(`${upstream.origin}/follow`, { method: 'POST', body })).text());
    truths.set(followee, [...(truths.get(followee) ?? []), { at: performance.now(), fans }]);
    const FollowList = [{ To_Account: userOf(followee) }];
    const event = { From_Account: userOf(follower), FollowList, EventTime: Date.now() };
    webhooks.send('Follow.CallbackAfterFollowAdd', event);
  }

  void (async () => {
    while (!closing.signal.aborted) {
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
    stop: () => closing.abort(),
  };
}
