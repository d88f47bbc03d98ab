// follow_add, follow_delete, follow_check and follow_get_info: one user and a list of others, each with its own result
// (CONTRACT 4.2 to 4.5, U14 to U20, U26).
import type {
  FollowChangeResponse,
  FollowCheckResponse,
  FollowCheckType,
  FollowGetInfoResponse,
  ItemResult,
} from '../../tencent/wire.ts';
import { pluck, readBatch, readFromAccount } from '../checks.ts';
import { type Body, type Call, failed, faultOf, type Handler, processed, Refusal } from '../envelope.ts';
import type { WebhookEvents } from '../webhook-events.ts';
import type { World } from '../world.ts';

type Dependencies = { world: World; events: WebhookEvents; now: () => number };

export function createFollowBatches({ world, events, now }: Dependencies) {
  function readTargets(body: Body, list: unknown, field: string, max: number): { from: string; targets: string[] } {
    const from = readFromAccount(body, 30001);
    const targets = readBatch(list, { field, max, code: 30001 });
    if (!world.has(from)) throw new Refusal(30003);
    return { from, targets };
  }

  const failureOf = (to: string, call: Call): ItemResult | undefined =>
    faultOf(to, call) ?? (world.has(to) ? undefined : failed(to, 30003));

  function relation(from: string, to: string, asOf?: number): FollowCheckType {
    const isFan = world.followTime(to, from, asOf) !== undefined;
    if (world.followTime(from, to, asOf) !== undefined) return isFan ? 3 : 2;
    return isFan ? 1 : 0;
  }

  const follow_add: Handler<FollowChangeResponse> = (body, call) => {
    const { from, targets } = readTargets(body, pluck(body.FollowItem, 'To_Account'), 'FollowItem', 20);
    const failureFor = (to: string) =>
      failureOf(to, call) ?? (to === from ? failed(to, 30001, 'From_Account cannot follow itself') : undefined);
    const { ResultItem, changed } = changeEach(targets, failureFor, (to) => world.follow(from, to));
    events.followed(from, changed, { clientIp: call.clientIp, platform: 'RESTAPI' });
    return { ResultItem };
  };

  const follow_delete: Handler<FollowChangeResponse> = (body, call) => {
    const { from, targets } = readTargets(body, body.To_Account, 'To_Account', 20);
    const failureFor = (to: string) => failureOf(to, call);
    const { ResultItem, changed } = changeEach(targets, failureFor, (to) => world.unfollow(from, to));
    events.unfollowed(from, changed, { clientIp: call.clientIp, platform: 'RESTAPI' });
    return { ResultItem };
  };

  const follow_check: Handler<FollowCheckResponse> = (body, call) => {
    const { from, targets } = readTargets(body, body.To_Account, 'To_Account', 100);
    const lag = call.faults.listsLag;
    const asOf = lag && now() - lag.ms;
    return {
      ResultItem: targets.map(
        (to) => failureOf(to, call) ?? { ...processed(to), FollowType: relation(from, to, asOf) },
      ),
    };
  };

  const follow_get_info: Handler<FollowGetInfoResponse> = (body, call) => {
    const { targets } = readTargets(body, body.To_Account, 'To_Account', 20);
    const lag = call.faults.countsLag;
    const asOf = lag && now() - lag.ms;
    return {
      FollowInfo: targets.map((to) => {
        const failure = failureOf(to, call);
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

/** Applies `change` to each target without a failure, in order; `changed` are those for which it answered true. */
function changeEach(
  targets: string[],
  failureFor: (to: string) => ItemResult | undefined,
  change: (to: string) => boolean,
): { ResultItem: ItemResult[]; changed: string[] } {
  const changed: string[] = [];
  const ResultItem = targets.map((to) => {
    const failure = failureFor(to);
    if (!failure && change(to)) changed.push(to);
    return failure ?? processed(to);
  });
  return { ResultItem, changed };
}
