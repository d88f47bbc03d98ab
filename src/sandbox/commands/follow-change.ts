// follow_add and follow_delete: up to 20 targets, each with its own result (contract 4.2, 4.3, U14 to U20, U26).
import type { FollowChangeResponse, ItemResult } from '../../tencent/wire.ts';
import type { Announcements } from '../announcements.ts';
import { type Body, pluck, readAccount, readBatch } from '../body.ts';
import { Refusal } from '../envelope.ts';
import type { World } from '../world.ts';
import { type FieldsOf, failed, type Handler, processed, switchedFailure } from './batch-items.ts';

const MOST_TARGETS = 20;

/** How long each list may grow; past it, items fail with 32100 to 32103. */
export type ListLimits = { follows: number; fans: number; mutuals: number };

type Dependencies = { world: World; announce: Announcements; limits: ListLimits };
type FollowHandler = Handler<FieldsOf<FollowChangeResponse>>;

export function createFollowAdd({ world, announce, limits }: Dependencies): FollowHandler {
  /** Code of the list that is full, 0 when there is room. */
  function fullList(from: string, to: string): number {
    if (world.followTime(from, to) !== undefined) return 0;
    if (world.size(from, 'follows') >= limits.follows) return 32100;
    if (world.size(to, 'fans') >= limits.fans) return 32101;
    const becomesMutual = world.followTime(to, from) !== undefined;
    if (becomesMutual && world.size(from, 'mutuals') >= limits.mutuals) return 32102;
    if (becomesMutual && world.size(to, 'mutuals') >= limits.mutuals) return 32103;
    return 0;
  }

  return (body, call) => {
    const { from, targets } = readTargets(world, body, 'FollowItem', pluck(body.FollowItem, 'To_Account'));
    const changed: string[] = [];
    const results = targets.map((to): ItemResult => {
      const unwanted = switchedFailure(to, call);
      if (unwanted) return unwanted;
      if (to === from) return failed(to, 30001, 'From_Account cannot follow itself');
      if (!world.has(to)) return failed(to, 30003);
      const full = fullList(from, to);
      if (full) return failed(to, full);
      if (world.follow(from, to)) changed.push(to);
      return processed(to);
    });
    announce.followed(from, changed, { clientIp: call.clientIp, platform: 'RESTAPI' });
    return { ResultItem: results };
  };
}

export function createFollowDelete({ world, announce }: Omit<Dependencies, 'limits'>): FollowHandler {
  return (body, call) => {
    const { from, targets } = readTargets(world, body, 'To_Account', body.To_Account);
    const changed: string[] = [];
    const results = targets.map((to): ItemResult => {
      const unwanted = switchedFailure(to, call);
      if (unwanted) return unwanted;
      if (!world.has(to)) return failed(to, 30003);
      if (world.unfollow(from, to)) changed.push(to);
      return processed(to);
    });
    announce.unfollowed(from, changed, { clientIp: call.clientIp, platform: 'RESTAPI' });
    return { ResultItem: results };
  };
}

function readTargets(world: World, body: Body, field: string, list: unknown): { from: string; targets: string[] } {
  const from = readAccount(body.From_Account, { field: 'From_Account', code: 30001 });
  const targets = readBatch(list, { field, most: MOST_TARGETS, code: 30001 });
  if (!world.has(from)) throw new Refusal(30003);
  return { from, targets };
}
