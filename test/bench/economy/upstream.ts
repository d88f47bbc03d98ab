// The upstream of the simulation: answers after a while, and counts what it is asked.
import type { Clock } from '../../../src/clock.ts';
import type { UserId } from '../../../src/follow/model.ts';
import type { Batch, FollowService, ProfileService } from '../../../src/follow/services.ts';
import { countsOf, pageOf, profileOf } from './world.ts';

export const COMMANDS = ['portrait_get', 'follow_get_info', 'follow_get'] as const;
export type Bill = Record<(typeof COMMANDS)[number], number>;
export type Upstream = { follow: FollowService; profiles: ProfileService; bill: Bill };

const ANSWER_MS = 20;
/** Most users in one call (contract, 0). */
export const CEILINGS = { portrait_get: 100, follow_get_info: 20 } as const;

export const emptyBill = (): Bill => ({ portrait_get: 0, follow_get_info: 0, follow_get: 0 });
export const totalOf = (bill: Bill): number => COMMANDS.reduce((sum, command) => sum + bill[command], 0);

export function createUpstream(clock: Clock): Upstream {
  const bill = emptyBill();

  async function answerMany<T>(command: keyof typeof CEILINGS, ids: readonly UserId[], read: (id: UserId) => T) {
    bill[command] += Math.ceil(ids.length / CEILINGS[command]);
    await clock.sleep(ANSWER_MS);
    return new Map(ids.map((id) => [id, read(id)])) satisfies Batch<T>;
  }
  const isNotAsked = () => Promise.reject(new Error('The reference mix does not ask this.'));

  return {
    bill,
    follow: {
      async readPage({ userId, list, start, size }) {
        bill.follow_get++;
        await clock.sleep(ANSWER_MS);
        return pageOf(userId, list, start, size);
      },
      readCounts: (ids) => answerMany('follow_get_info', ids, countsOf),
      readRelations: isNotAsked,
      follow: isNotAsked,
      unfollow: isNotAsked,
    },
    profiles: {
      readProfiles: (ids) => answerMany('portrait_get', ids, profileOf),
      refusedTags: () => [],
      asAsked: (profile) => profile,
    },
  };
}
