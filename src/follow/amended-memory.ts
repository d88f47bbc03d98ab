// What is remembered, and what the upstream says, amended by what is known to have happened since.
import type { ChangedProfiles } from './changed-profiles.ts';
import type { FollowMemory } from './memory.ts';
import type { FollowPage, PageQuery } from './model.ts';
import type { RecentChanges } from './recent-changes.ts';
import type { Batch } from './services.ts';

/** The same memory, in which every read shows what has changed lately, and no profile that is known to be old. */
export function amendMemory(memory: FollowMemory, recent: RecentChanges, profiles: ChangedProfiles): FollowMemory {
  const { now } = memory;
  const amendPage = (query: PageQuery, page: FollowPage) => recent.page(query, profiles.page(page));
  return {
    ...memory,
    readPage(query, call) {
      const page = memory.readPage(query, call);
      return page instanceof Promise ? page.then((arrived) => amendPage(query, arrived)) : amendPage(query, page);
    },
    now: {
      ...now,
      page(query, call) {
        const page = now.page(query, call);
        return page && amendPage(query, page);
      },
      counts(userId, call) {
        const counts = now.counts(userId, call);
        return counts && recent.counts(userId, counts);
      },
      relation(from, to, call) {
        const relation = now.relation(from, to, call);
        return relation && recent.relation(from, to, relation);
      },
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
