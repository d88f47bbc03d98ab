// Users get new fans while queries run, and a server with webhooks is told; what must be seen from then on.
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { APP_ID } from '../measuring/gateway.ts';
import type { ServerProcess } from '../measuring/server-process.ts';
import { createZipf } from '../reference/mix.ts';
import { createRandom } from '../reference/random.ts';
import { USERS, userOf } from '../reference/world.ts';
import { WEBHOOK } from './servers.ts';

const CHANGES_PER_SECOND = 5;
/** A change must show after so long. */
const SHOWN_AFTER_MS = 1000;
const COMMAND = 'Follow.CallbackAfterFollowAdd';

export type Changes = {
  /** The least number of fans that a query may show which leaves now; changes of the last second may be missing. */
  leastFansOf(rank: number): number;
  stop(): void;
};

/** Makes changes until it is stopped. `told`: where webhooks go. */
export function startChanges(upstream: ServerProcess, told: string | null, seed: number): Changes {
  const random = createRandom(seed + 1);
  const pickRank = createZipf(USERS);
  const truths = new Map<number, { at: number; fans: number }[]>();
  let isOver = false;

  async function change(): Promise<void> {
    const [follower, followee] = [Math.floor(random() * USERS), pickRank(random())];
    const body = JSON.stringify({ follower, followee });
    const fans = Number(await (await fetch(`${upstream.origin}/follow`, { method: 'POST', body })).text());
    truths.set(followee, [...(truths.get(followee) ?? []), { at: performance.now(), fans }]);
    if (told) await tell(told, userOf(follower), userOf(followee));
  }

  void (async () => {
    while (!isOver) {
      await delay(1000 / CHANGES_PER_SECOND);
      // A server that was stopped is told nothing any more.
      await change().catch(() => {});
    }
  })();

  return {
    leastFansOf(rank) {
      const before = performance.now() - SHOWN_AFTER_MS;
      return truths.get(rank)?.findLast(({ at }) => at < before)?.fans ?? 0;
    },
    stop() {
      isOver = true;
    },
  };
}

async function tell(origin: string, follower: string, followee: string): Promise<void> {
  const RequestTime = String(Math.floor(Date.now() / 1000));
  const Sign = createHash('sha256').update(`${WEBHOOK.WEBHOOK_TOKEN}${RequestTime}`).digest('hex');
  const query = new URLSearchParams({
    SdkAppid: APP_ID,
    CallbackCommand: COMMAND,
    contenttype: 'json',
    Sign,
    RequestTime,
  });
  const body = {
    CallbackCommand: COMMAND,
    From_Account: follower,
    FollowList: [{ To_Account: followee }],
    EventTime: Date.now(),
  };
  const headers = { 'content-type': 'application/json' };
  const url = `${origin}${WEBHOOK.WEBHOOK_PATH}?${query}`;
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) process.stderr.write(`A webhook was answered with ${response.status}.\n`);
  await response.arrayBuffer();
}
