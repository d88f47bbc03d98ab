// What the upstream shows just before and just after a change: whether it changes anything, and whether it is behind.
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import { isFan } from './changes.ts';
import type { FollowMemory } from './memory.ts';
import type { FollowCounts, FollowRelation, UserId } from './model.ts';
import type { RecentChanges } from './recent-changes.ts';
import { type Batch, type CallOptions, type FollowService, known } from './services.ts';

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
  const countsOf = (userId: UserId, batch: Batch<FollowCounts>): FollowCounts | null => known(batch.get(userId));

  async function readRelations(from: UserId, userIds: readonly UserId[], call: CallOptions) {
    const relations = await follow.readRelations(from, userIds, brief(call));
    for (const [to, relation] of relations)
      if (!(relation instanceof GatewayError)) relations.set(to, recent.relation(from, to, relation));
    return relations;
  }

  return {
    async before(from: UserId, userIds: readonly UserId[], call: CallOptions): Promise<Before> {
      const [relations, counts] = await Promise.all([
        readRelations(from, userIds, call),
        follow.readCounts([from], brief(call)),
      ]);
      return { relations, counts: countsOf(from, counts) };
    },

    /**
     * Which of those who were changed follow `from`. A change does not touch that, so where the look before it failed one
     * behind it tells as well.
     */
    async fansAmong(
      from: UserId,
      userIds: readonly UserId[],
      before: Batch<FollowRelation>,
      call: CallOptions,
    ): Promise<ReadonlySet<UserId>> {
      const unseen = userIds.filter((id) => known(before.get(id)) === null);
      const seen = unseen.length > 0 ? await readRelations(from, unseen, call) : new Map<UserId, never>();
      return new Set(userIds.filter((id) => isFan(known(seen.get(id) ?? before.get(id)))));
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
