// Blocklists as the upstream offers them (CONTRACT 10).
import { type BlockRelation, type FollowEntry, isUserId, newestFirst, PER_CALL, type UserId } from '../follow/model.ts';
import type { BlockAnswer, BlockService } from '../follow/services.ts';
import { isRecord } from '../json.ts';
import { type BatchCommand, batchOf, blame } from './batch.ts';
import type { TencentClient } from './client.ts';
import { isCount, malformedAnswer, readTime } from './upstream-errors.ts';
import type { BlackCheckRelation } from './wire.ts';

const RELATIONS: ReadonlyMap<unknown, BlockRelation> = new Map<BlackCheckRelation, BlockRelation>([
  ['BlackCheckResult_Type_NO', 'NONE'],
  ['BlackCheckResult_Type_AWithB', 'BLOCKS'],
  ['BlackCheckResult_Type_BWithA', 'BLOCKED_BY'],
  ['BlackCheckResult_Type_BothWay', 'BOTH'],
]);

const CHANGE: BatchCommand<BlockAnswer> = {
  ...{ max: PER_CALL.blocks, order: 'in turn', field: 'ResultItem' },
  read: () => 'done',
  meaningOf({ upstream, errorInfo }) {
    if (upstream?.errorCode === 30013) return 'BLOCK_LIMIT_REACHED';
    // No failure (CONTRACT 10).
    return upstream?.errorCode === 30001 && /already_exist/i.test(errorInfo) ? 'unchanged' : undefined;
  },
};

/**
 * Creates the block service over the four `black_list` commands; `asksBoth` when it is also asked who blocks the user in
 * whose name is asked.
 */
export function createBlockService(client: Pick<TencentClient, 'call'>, asksBoth: boolean): BlockService {
  return {
    block: batchOf(client, 'black_list_add', CHANGE),
    unblock: batchOf(client, 'black_list_delete', CHANGE),
    readBlocks: batchOf(client, 'black_list_check', {
      ...{ max: PER_CALL.blocks, field: 'BlackListCheckItem' },
      request: (from, chunk) => ({
        ...{ From_Account: from, To_Account: chunk },
        CheckType: `BlackCheckResult_Type_${asksBoth ? 'Both' : 'Single'}`,
      }),
      read: ({ Relation }) => RELATIONS.get(Relation),
    }),

    async readBlocked(from, call) {
      const entries = new Map<UserId, FollowEntry>();
      for (let start = 0; ; ) {
        const request = { From_Account: from, StartIndex: start, MaxLimited: PER_CALL.blocks, LastSequence: 0 };
        const answer = await client.call('black_list_get', request, call).catch(blame('BAD_USER_INPUT', from));
        const { BlackListItem: items = [], StartIndex: next } = answer;
        if (!Array.isArray(items)) throw malformedAnswer('black_list_get', 'BlackListItem is not a list');
        for (const item of items as unknown[]) {
          if (!isRecord(item) || !isUserId(item.To_Account) || entries.has(item.To_Account)) continue;
          const { To_Account: id, AddBlackTimeStamp: at } = item;
          entries.set(id, { user: { id, profile: null }, followedAt: readTime(at) });
        }
        if (!isCount(next) || next <= start) return { entries: [...entries.values()].sort(newestFirst), next: '' };
        start = next;
      }
    },
  };
}
