// A star with lists that are longer than a few pages, for clients to page through.
import { expect } from 'vitest';
import type { FollowList } from '../../src/follow/model.ts';
import { createHastyClock } from '../support/clock.ts';
import { openGateway, type TestGateway } from '../support/gateway.ts';
import { only, scrape } from '../telemetry/scrape.ts';

/** A star with 345 fans, of whom some are followed back and others are known to anna; and the truth about the lists. */
export async function openStar() {
  const gateway = await openGateway({
    env: { AUTH: 'development', METRICS_PORT: '0' },
    clock: createHastyClock(),
    sandbox: { rateLimits: Number.POSITIVE_INFINITY },
  });
  const { world } = gateway.sandbox;
  world.importAccount('anna');
  world.addFans('star', 345);
  const fans = world.list('star', 'fans').map(({ id }) => id);
  // The oldest fans are followed last, so that no list has the order of another one.
  for (const [i, id] of fans.entries()) if (i % 3 === 0) world.follow('star', id, 1_700_000_000 + i);
  for (let i = 0; i < 30; i++) {
    world.importAccount(`idol_${i}`);
    world.follow('star', `idol_${i}`, 1_700_000_000 + 7 * i);
  }
  for (const [i, id] of fans.entries()) if (i % 5 === 0) world.follow('anna', id, 1_700_000_000 + i);

  const isFan = new Set(fans);
  return {
    ...gateway,
    /** Who is in a list of the star's, in order; `knownFans` as anna sees it. */
    membersOf(list: FollowList | 'knownFans'): string[] {
      const members = list === 'knownFans' ? world.list('anna', 'follows') : world.list('star', list);
      return members.map(({ id }) => id).filter((id) => list !== 'knownFans' || isFan.has(id));
    },
    /** The star's follows whose nick has "crowd" in it, by nick. */
    sortedFollows: () => {
      const nickOf = (id: string) => String(world.profile(id)?.items[0]?.Value).toLowerCase();
      const found = world.list('star', 'follows').filter(({ id }) => id.startsWith('crowd'));
      return found.map(({ id }) => id).sort((a, b) => (nickOf(a) < nickOf(b) ? -1 : 1));
    },
  };
}

export type Star = Awaited<ReturnType<typeof openStar>>;

/** Somebody follows the star through the gateway, or ceases to. */
export async function change(star: Pick<TestGateway, 'as'>, fan: string, what: 'follow' | 'unfollow'): Promise<void> {
  const answer = await star
    .as(fan)
    .data<Record<string, { results: unknown[] }>>(
      `mutation { ${what}Users(input: { userIds: ["star"] }) { results { __typename } } }`,
    );
  expect(answer).toEqual({ [`${what}Users`]: { results: [{ __typename: 'FollowChanged' }] } });
}

/** How many subscriptions are open, by whatever way. */
export async function openSubscriptions(star: TestGateway): Promise<number> {
  return Object.values(only(await scrape(star), 'open_subscriptions')).reduce((sum, count) => sum + count, 0);
}
