// What the upstream shows just before and just after a change: whether it changes anything, and whether it is behind.
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { FollowMemory } from './memory.ts';
import type { FollowCounts, FollowRelation, UserId } from './model.ts';
import type { RecentChanges } from './recent-changes.ts';
import type { Batch, CallOptions, FollowService } from './services.ts';

export type Before = {
  relations: Batch<FollowRelation>;
  /** The counts of the one who changes something; null when they could not be had in time. */
  counts: FollowCounts | null;
};

/** Counts that the upstream still shows without the change. */
export type Behind = { from: FollowCounts; to: Batch<FollowCounts> };

export type ObservationOptions = {
  follow: Pick<FollowService, 'readRelations' | 'readCounts'>;
  memory: Pick<FollowMemory, 'readCounts'>;
  recent: Pick<RecentChanges, 'relation'>;
  clock: Clock;
};

/** A change does not wait longer than this for a look: that only makes its answer better. */
const LOOK_MS = 1500;

export function createObservation({ follow, memory, recent, clock }: ObservationOptions) {
  const brief = ({ signal, deadlineAt, onUpstreamCall }: CallOptions): CallOptions => {
    return { signal, onUpstreamCall, deadlineAt: Math.min(deadlineAt, clock.now() + LOOK_MS) };
  };
  const countsOf = (userId: UserId, batch: Batch<FollowCounts>): FollowCounts | null => {
    const counts = batch.get(userId);
    return counts === undefined || counts instanceof GatewayError ? null : counts;
  };

  return {
    async before(from: UserId, userIds: readonly UserId[], call: CallOptions): Promise<Before> {
      const [relations, counts] = await Promise.all([
        follow.readRelations(from, userIds, brief(call)),
        follow.readCounts([from], brief(call)),
      ]);
      for (const [to, relation] of relations)
        if (!(relation instanceof GatewayError)) relations.set(to, recent.relation(from, to, relation));
      return { relations, counts: countsOf(from, counts) };
    },

    /**
     * Null when the upstream shows the change. Nobody else changes how many somebody follows, so that count tells; it is
     * read through the memory, where it is asked for next.
     */
    async after(
      from: UserId,
      changed: readonly UserId[],
      before: FollowCounts | null,
      call: CallOptions,
    ): Promise<Behind | null> {
      if (changed.length === 0 || !before) return null;
      const counts = countsOf(from, await memory.readCounts([from], brief(call)));
      if (counts?.follows !== before.follows) return null;
      return { from: counts, to: await follow.readCounts(changed, brief(call)) };
    },
  };
}
