// follow_add, follow_delete, follow_check and follow_get_info: one user and a list of others, each with its own result
// (CONTRACT 4.2 to 4.5, U14 to U20, U26).
import { changeTargets, failureOf, pluck, readTargets } from '../checks.ts';
import { failed, type Handler, type Parts, processed } from '../envelope.ts';

export function createFollowBatches({ world, events, now }: Parts) {
  /** As `FollowType` has it (CONTRACT 4.0). */
  function relation(from: string, to: string, asOf?: number): number {
    const isFan = world.followTime(to, from, asOf) !== undefined;
    if (world.followTime(from, to, asOf) !== undefined) return isFan ? 3 : 2;
    return isFan ? 1 : 0;
  }

  const follow_add: Handler = (body, call) => {
    const { from, targets } = readTargets(world, body, 20, pluck(body.FollowItem, 'To_Account'), 'FollowItem');
    const refusalOf = (to: string) =>
      to === from ? failed(to, 30001, 'From_Account cannot follow itself') : undefined;
    const ResultItem = changeTargets(targets, {
      failureFor: (to) => failureOf(world, to, call) ?? refusalOf(to),
      change: (to) => world.follow(from, to),
      tell: (changed) => events.followed(from, changed, call.origin),
    });
    return { ResultItem };
  };

  const follow_delete: Handler = (body, call) => {
    const { from, targets } = readTargets(world, body, 20);
    const ResultItem = changeTargets(targets, {
      failureFor: (to) => failureOf(world, to, call),
      change: (to) => world.unfollow(from, to),
      tell: (changed) => events.unfollowed(from, changed, call.origin),
    });
    return { ResultItem };
  };

  const follow_check: Handler = (body, call) => {
    const { from, targets } = readTargets(world, body, 100);
    const lag = call.faults.listsLag;
    const asOf = lag && now() - lag.ms;
    return {
      ResultItem: targets.map(
        (to) => failureOf(world, to, call) ?? { ...processed(to), FollowType: relation(from, to, asOf) },
      ),
    };
  };

  const follow_get_info: Handler = (body, call) => {
    const { targets } = readTargets(world, body, 20);
    const lag = call.faults.countsLag;
    const asOf = lag && now() - lag.ms;
    return {
      FollowInfo: targets.map((to) => {
        const failure = failureOf(world, to, call);
        // A failed item still carries counts, all zero: reading them without the ResultCode is a client's mistake.
        const { fans, follows, mutuals } = failure ? { fans: 0, follows: 0, mutuals: 0 } : world.counts(to, asOf);
        return {
          ...(failure ?? processed(to)),
          FollowerCount: fans,
          FollowingCount: follows,
          MutualFollowingCount: mutuals,
        };
      }),
    };
  };

  return { follow_add, follow_delete, follow_check, follow_get_info };
}
