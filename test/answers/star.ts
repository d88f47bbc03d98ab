// A star and their fans, of which whole answers are kept, and who comes and goes.
import { expect } from 'vitest';
import type { Replica } from '../support/house.ts';
import {
  ask,
  askUntilKept,
  FANS,
  isKept,
  type Keeping,
  type KeepingOptions,
  openKeeping,
  PROFILE_HEADER,
  userIn,
} from './keeping.ts';

export const STAR = { userId: 'star' };
export const FANS_OF_STAR = { query: FANS, variables: STAR };
export const HEADER_OF_STAR = { query: PROFILE_HEADER, variables: STAR };

/** Opens a house with a star, three fans of theirs, and two who are nobody's fans yet. */
export async function openStar(options?: KeepingOptions): Promise<Keeping> {
  const house = await openKeeping(options);
  house.sandbox.world.addFans('star', 3);
  for (const id of ['anna', 'bert']) house.sandbox.world.importAccount(id);
  return house;
}

type Node = { id: string; nick: string; avatar: string | null };
/** What is looked at in the answer to `FANS`. */
export type Screen = { nick: string | null; fans: { totalCount: number; edges: { node: Node }[] } };

/** What an answer shows of the star's fans. */
export async function fansOf(replica: Pick<Replica, 'url'>, variables: object = STAR) {
  const { fans } = userIn<Screen>(await ask(replica, { query: FANS, variables }));
  return { total: fans.totalCount, ids: fans.edges.map(({ node }) => node.id) };
}

const CROWD = ['crowd_000003', 'crowd_000002', 'crowd_000001'];
export const WITH_ANNA = { total: 4, ids: ['anna', ...CROWD] };
export const WITHOUT_ANNA = { total: 3, ids: CROWD };

/** Has a viewer follow or unfollow the star through the gateway. */
export async function change(replica: Replica, field: 'followUsers' | 'unfollowUsers', viewer: string) {
  await replica
    .as(viewer)
    .data(`mutation { ${field}(input: { userIds: ["star"] }) { results { __typename } viewer { id } } }`);
}

/** Keeps an answer, and makes sure of it. */
export async function keep(house: Keeping, body: object = FANS_OF_STAR): Promise<void> {
  await askUntilKept(house, body);
  expect(await isKept(house, body)).toBe(true);
  await askUntilKept(house, body);
}
