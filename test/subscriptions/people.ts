// A small world in which things happen when a test wants them to.
import { expect } from 'vitest';
import { change, openWorld, type World } from '../graph/world.ts';
import type { Replica } from '../support/gateway.ts';

/** A star and their fans to be; each follows in their own name. */
export const openPeople = (env: Record<string, string> = {}): Promise<World> =>
  openWorld({ people: ['star', 'anna', 'bert', 'cleo'], env });

/** Has somebody follow the star. */
export async function follow(replica: Replica, fan: string): Promise<void> {
  expect(await change(replica, 'followUsers', fan, ['star'])).toEqual(['star Changed']);
}

export const FANS = `subscription Fans($after: String) {
  followEvents(userId: "star", after: $after) { __typename ... on FanGained { user { id } } }
}`;

/** What `FANS` answers when somebody became a fan. */
export const gained = (id: string) => ({ data: { followEvents: { __typename: 'FanGained', user: { id } } } });
