// What one user sees of another, and whether that is the truth.
import { createHastyClock } from '../support/clock.ts';
import { openGateway, type Replica, type TestGateway } from '../support/gateway.ts';

export type Result = { __typename: string; user?: { id: string }; userId?: string; reason?: string };

/** What became of each target: how, who, and why not. */
export const short = (results: Result[]) =>
  results.map(({ __typename, user, userId, reason }) => [
    __typename.replace(/^(Follow|Block)/, ''),
    user?.id ?? userId,
    ...(reason ? [reason] : []),
  ]);

/** A gateway in front of these people alone. */
export async function openWorld(options: Parameters<typeof openGateway>[0] & { people?: readonly string[] } = {}) {
  const { people = ['anna', 'bert', 'cleo', 'dora'], env, sandbox, ...rest } = options;
  // The look at the state before a change has 1.5 s: that is a timeout, not a pause.
  const clock = rest.clock ?? createHastyClock(1000);
  const gateway = await openGateway({
    ...rest,
    clock,
    env: { AUTH: 'development', ...env },
    sandbox: { emptyWorld: true, clock, ...sandbox },
  });
  for (const id of people) gateway.sandbox.world.importAccount(id);
  return gateway;
}

/** All that a screen shows of two users, as one of them sees it. */
export async function view(replica: Replica, viewer: string, other: string) {
  const lists = 'fans { nodes { id } } follows { nodes { id } } mutuals { nodes { id } }';
  const counts = 'fansCount followsCount mutualsCount';
  type Lists = Record<'fans' | 'follows' | 'mutuals', { nodes: { id: string }[] }>;
  type Seen = Lists & Record<string, unknown>;
  const data = await replica.as(viewer).data<{ viewer: Seen; user: Seen }>(
    `query ($id: ID!) {
      viewer { ${lists} ${counts} relationTo(userId: $id) }
      user(id: $id) { ${lists} ${counts} viewerIsFollowing isFollowingViewer viewerCanFollow relationTo(userId: "${viewer}") }
    }`,
    { id: other },
  );
  const flat = ({ fans, follows, mutuals, ...rest }: Seen) => {
    const ids = ({ nodes }: { nodes: { id: string }[] }) => nodes.map(({ id }) => id).sort();
    return { ...rest, fans: ids(fans), follows: ids(follows), mutuals: ids(mutuals) };
  };
  return { viewer: flat(data.viewer), user: flat(data.user) };
}

/** The same as `view`, read from the sandbox's world. */
export function truth({ sandbox: { world } }: TestGateway, viewer: string, other: string) {
  const ids = (id: string, list: 'fans' | 'follows' | 'mutuals') =>
    world
      .list(id, list)
      .map((member) => member.id)
      .sort();
  const lists = (id: string) => ({ fans: ids(id, 'fans'), follows: ids(id, 'follows'), mutuals: ids(id, 'mutuals') });
  const counts = (id: string) => {
    const { fans, follows, mutuals } = world.counts(id);
    return { fansCount: fans, followsCount: follows, mutualsCount: mutuals };
  };
  const [out, back] = [ids(viewer, 'follows').includes(other), ids(other, 'follows').includes(viewer)];
  const relation = (there: boolean, here: boolean) =>
    there && here ? 'MUTUAL' : there ? 'FOLLOWING' : here ? 'FAN' : 'NONE';
  return {
    viewer: { ...lists(viewer), ...counts(viewer), relationTo: relation(out, back) },
    user: {
      ...lists(other),
      ...counts(other),
      viewerIsFollowing: out,
      isFollowingViewer: back,
      viewerCanFollow: !out,
      relationTo: relation(back, out),
    },
  };
}

/** The same without counts, which show a change when the upstream does. */
export function uncounted({ viewer, user }: { viewer: object; user: object }) {
  const strip = (side: object) => Object.fromEntries(Object.entries(side).filter(([name]) => !name.endsWith('Count')));
  return { viewer: strip(viewer), user: strip(user) };
}
