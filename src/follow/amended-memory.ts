// What is remembered, and what the upstream says, amended by what is known to have happened since.
import type { ChangedProfiles } from './changed-profiles.ts';
import type { FollowMemory } from './memory.ts';
import type { FollowPage } from './model.ts';
import type { RecentChanges } from './recent-changes.ts';
import type { Batch } from './services.ts';

/** The same memory, in which every read shows what has changed lately, and no profile that is known to be old. */
export function amendMemory(memory: FollowMemory, recent: RecentChanges, profiles: ChangedProfiles): FollowMemory {
  return {
    ...memory,
    readPage(query, call) {
      const amend = (page: FollowPage) => recent.page(query, profiles.page(page));
      const page = memory.readPage(query, call);
      return page instanceof Promise ? page.then(amend) : amend(page);
    },
    async readCounts(userIds, call) {
      return amendBatch(await memory.readCounts(userIds, call), recent.counts);
    },
    async readRelations(from, userIds, call) {
      return amendBatch(await memory.readRelations(from, userIds, call), (to, relation) =>
        recent.relation(from, to, relation),
      );
    },
  };
}

function amendBatch<T>(batch: Batch<T>, amend: (userId: string, value: T) => T): Batch<T> {
  for (const [userId, value] of batch) if (!(value instanceof Error)) batch.set(userId, amend(userId, value));
  return batch;
}
