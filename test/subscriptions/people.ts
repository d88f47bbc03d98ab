// A small world in which things happen when a test wants them to.
import { createHastyClock } from '../support/clock.ts';
import { openGateway, type TestGateway } from '../support/gateway.ts';

/** A star and their fans to be; each follows in their own name. */
export async function openPeople(env: Record<string, string> = {}) {
  const clock = createHastyClock();
  const gateway = await openGateway({
    env: { AUTH: 'development', ...env },
    clock,
    sandbox: { emptyWorld: true, clock },
  });
  for (const id of ['star', 'anna', 'bert', 'cleo']) gateway.sandbox.world.importAccount(id);
  return { ...gateway, clock };
}

export type People = Awaited<ReturnType<typeof openPeople>>;

/** Has somebody follow the star. */
export async function follow(gateway: Pick<TestGateway, 'as'>, fan: string): Promise<void> {
  const { followUsers } = await gateway
    .as(fan)
    .data<{ followUsers: { results: { __typename: string }[] } }>(
      'mutation { followUsers(input: { userIds: ["star"] }) { results { __typename } } }',
    );
  const [result] = followUsers.results;
  if (result?.__typename !== 'FollowChanged') throw new Error(`${fan} did not follow: ${JSON.stringify(result)}`);
}

export const FANS = `subscription Fans($after: String) {
  followEvents(userId: "star", after: $after) { __typename ... on FanGained { user { id } } }
}`;

/** What `FANS` answers when somebody became a fan. */
export const gained = (id: string) => ({ data: { followEvents: { __typename: 'FanGained', user: { id } } } });
