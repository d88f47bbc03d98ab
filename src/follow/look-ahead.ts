// How things stand just before a change: that tells whether it changes anything, and what the counts are after it.
import type { Clock } from '../clock.ts';
import type { FollowMemory } from './memory.ts';
import type { FollowCounts, FollowRelation, UserId } from './model.ts';
import type { Batch, CallOptions } from './services.ts';

/** How `from` stands to each target, and everybody's counts; a failure, or a lack, means that it is not known. */
export type Before = { relations: Batch<FollowRelation>; counts: Batch<FollowCounts> };

type Readers = Pick<FollowMemory, 'readRelations' | 'readCounts'>;

/** A change does not wait longer than this for what was before it: that only makes its answer better. */
const LOOK_MS = 1500;
/** The most counts that are looked up beforehand; further targets' counts are shown as the upstream has them. */
const MOST_COUNTED = 100;

/** Makes the look ahead, out of what is remembered; where that is out of date, of what the upstream says. */
export function createLookAhead({ memory, upstream, clock }: { memory: Readers; upstream: Readers; clock: Clock }) {
  async function newest<T>(call: CallOptions, read: (source: Readers, brief: CallOptions) => Promise<T>): Promise<T> {
    let isStale = false;
    const { signal, onUpstreamCall } = call;
    const deadlineAt = Math.min(call.deadlineAt, clock.now() + LOOK_MS);
    const onStale = () => {
      isStale = true;
    };
    const brief: CallOptions = { signal, deadlineAt, onUpstreamCall, onStale };
    const remembered = await read(memory, brief);
    return isStale ? read(upstream, brief) : remembered;
  }

  return async (from: UserId, userIds: readonly UserId[], call: CallOptions): Promise<Before> => {
    const counted = [from, ...userIds].slice(0, MOST_COUNTED);
    const [relations, counts] = await Promise.all([
      newest(call, (source, brief) => source.readRelations(from, userIds, brief)),
      newest(call, (source, brief) => source.readCounts(counted, brief)),
    ]);
    return { relations, counts };
  };
}
