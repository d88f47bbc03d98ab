// follow_check and follow_get_info: how one user stands to others, and how long their lists are (contract 4.4, 4.5).
import type { FollowCheckResponse, FollowCheckType, FollowGetInfoResponse } from '../../tencent/wire.ts';
import { readAccount, readBatch } from '../body.ts';
import { Refusal } from '../envelope.ts';
import type { World } from '../world.ts';
import { type FieldsOf, failed, type Handler, processed, switchedFailure } from './batch-items.ts';

const MOST_CHECKED = 100;
const MOST_COUNTED = 20;

type Dependencies = { world: World; now: () => number };

export function createFollowCheck({ world, now }: Dependencies): Handler<FieldsOf<FollowCheckResponse>> {
  return (body, call) => {
    const from = readAccount(body.From_Account, { field: 'From_Account', code: 30001 });
    const others = readBatch(body.To_Account, { field: 'To_Account', most: MOST_CHECKED, code: 30001 });
    if (!world.has(from)) throw new Refusal(30003);
    const { listsLag } = call.faults;
    const asOf = listsLag && now() - listsLag.ms;

    function relation(to: string): FollowCheckType {
      const isFan = world.followTime(to, from, asOf) !== undefined;
      const isFollowed = world.followTime(from, to, asOf) !== undefined;
      if (isFan && isFollowed) return 3;
      if (isFollowed) return 2;
      return isFan ? 1 : 0;
    }

    return {
      ResultItem: others.map((to) => {
        const failure = switchedFailure(to, call) ?? (world.has(to) ? undefined : failed(to, 30003));
        return failure ?? { ...processed(to), FollowType: relation(to) };
      }),
    };
  };
}

export function createFollowGetInfo({ world, now }: Dependencies): Handler<FieldsOf<FollowGetInfoResponse>> {
  return (body, call) => {
    const from = readAccount(body.From_Account, { field: 'From_Account', code: 30001 });
    const users = readBatch(body.To_Account, { field: 'To_Account', most: MOST_COUNTED, code: 30001 });
    if (!world.has(from)) throw new Refusal(30003);
    const { countsLag } = call.faults;
    const asOf = countsLag && now() - countsLag.ms;

    return {
      FollowInfo: users.map((to) => {
        const failure = switchedFailure(to, call) ?? (world.has(to) ? undefined : failed(to, 30003));
        // A failed item still carries counts, all zero: whoever reads them without the ResultCode is wrong.
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
}
