// Blocklists as the upstream offers them (CONTRACT 10).
import { type BlockRelation, type FollowEntry, isUserId, type UserId } from '../follow/model.ts';
import type { BlockAnswer, BlockService } from '../follow/services.ts';
import { askInChunks, blame, readItems } from './batch.ts';
import type { TencentClient } from './client.ts';
import { isCount, isRecord } from './envelope.ts';
import { malformedAnswer, UpstreamRefusal } from './upstream-errors.ts';
import type { BlackCheckRelation } from './wire.ts';

/** Of one call, and of one blocklist. */
const MAX_BLOCKED = 1000;
const MAX_READS = 20;
const REFUSED = 30001;
const FULL = 30013;
const RELATIONS: ReadonlyMap<unknown, BlockRelation> = new Map<BlackCheckRelation, BlockRelation>([
  ['BlackCheckResult_Type_NO', 'NONE'],
  ['BlackCheckResult_Type_AWithB', 'BLOCKS'],
  ['BlackCheckResult_Type_BWithA', 'BLOCKED_BY'],
  ['BlackCheckResult_Type_BothWay', 'BOTH'],
]);

export type BlockServiceOptions = {
  /** Whether it is also asked who blocks the user in whose name is asked. */
  asksBoth: boolean;
};

/** Creates the block service over the four `black_list` commands. */
export function createBlockService(
  client: Pick<TencentClient, 'call'>,
  { asksBoth }: BlockServiceOptions,
): BlockService {
  const change =
    (command: 'black_list_add' | 'black_list_delete'): BlockService['block'] =>
    (from, userIds, call) =>
      askInChunks(
        command,
        userIds,
        MAX_BLOCKED,
        async (chunk) => {
          const request = { From_Account: from, To_Account: chunk };
          const answer = await client.call(command, request, call).catch(blame('BAD_USER_INPUT', from));
          const items = readItems<BlockAnswer>(command, answer, 'ResultItem', () => 'done');
          for (const [id, outcome] of items)
            if (outcome instanceof UpstreamRefusal) items.set(id, meaningOf(outcome) ?? outcome);
          return items;
        },
        'in turn',
      );

  return {
    block: change('black_list_add'),
    unblock: change('black_list_delete'),

    readBlocks: (from, userIds, call) =>
      askInChunks('black_list_check', userIds, MAX_BLOCKED, async (chunk) => {
        const CheckType = `BlackCheckResult_Type_${asksBoth ? 'Both' : 'Single'}`;
        const request = { From_Account: from, To_Account: chunk, CheckType };
        const answer = await client.call('black_list_check', request, call).catch(blame('BAD_USER_INPUT', from));
        return readItems('black_list_check', answer, 'BlackListCheckItem', ({ Relation }) => RELATIONS.get(Relation));
      }),

    async readBlocked(from, call) {
      const entries = new Map<UserId, FollowEntry>();
      for (let start = 0, reads = 0; ; reads++) {
        const request = { From_Account: from, StartIndex: start, MaxLimited: MAX_BLOCKED, LastSequence: 0 };
        const answer = await client.call('black_list_get', request, call).catch(blame('BAD_USER_INPUT', from));
        const { BlackListItem: items = [], StartIndex: next } = answer;
        if (!Array.isArray(items)) throw malformedAnswer('black_list_get', 'BlackListItem is not a list');
        for (const item of items as unknown[]) {
          if (!isRecord(item) || !isUserId(item.To_Account) || entries.has(item.To_Account)) continue;
          const { To_Account: id, AddBlackTimeStamp: at } = item;
          entries.set(id, { user: { id, profile: null }, followedAt: isCount(at) ? at : 0 });
        }
        if (!isCount(next) || next <= start) return [...entries.values()];
        if (reads >= MAX_READS) throw malformedAnswer('black_list_get', 'the list does not end');
        start = next;
      }
    },
  };
}

/** What is no failure (CONTRACT 10), or has a word of its own. */
function meaningOf({ upstream, errorInfo }: UpstreamRefusal): BlockAnswer | undefined {
  if (upstream?.errorCode === FULL) return 'full';
  return upstream?.errorCode === REFUSED && /already_exist/i.test(errorInfo) ? 'unchanged' : undefined;
}
