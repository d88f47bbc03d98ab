// Blocks and unblocks in a viewer's name. The upstream's blocklist leaves follows as they are (CONTRACT U23), so that a
// block also ends those between the two.
import type { FollowWriter } from './follow-writer.ts';
import type { BlockRelation, UserId } from './model.ts';
import type { BlockAnswer, BlockService, CallOptions } from './services.ts';
import { isDone, keysOf, type Writes } from './writes.ts';

export type BlockWriter = ReturnType<typeof createBlockWriter>;

export type BlockWriterOptions = {
  /** The upstream itself. */
  blocks: Pick<BlockService, 'readBlocks' | 'block' | 'unblock'>;
  follows: Pick<FollowWriter, 'endFollows'>;
  /** Whether it is also known who blocks the viewer, so that a block does not say all of two users. */
  asksBoth: boolean;
};

/** Whether the user whose point of view it is blocks the other. */
export const isBlocking = (relation: BlockRelation): boolean => relation === 'BLOCKS' || relation === 'BOTH';

export function createBlockWriter({ blocks, follows, asksBoth }: BlockWriterOptions, writes: Writes) {
  async function changeNow(isBlock: boolean, viewer: UserId, userIds: readonly UserId[], call: CallOptions) {
    const read = (ids: readonly UserId[]) => blocks.readBlocks(viewer, ids, call);
    const outcomes = await writes.makeSo<BlockRelation, Exclude<BlockAnswer, 'done'> | 'FOLLOWS_REMAIN'>(userIds, {
      // The upstream tells who was blocked already, but not who was not.
      before: isBlock ? new Map() : await read(userIds),
      send: (ids) => blocks[isBlock ? 'block' : 'unblock'](viewer, ids, call),
      read,
      isSo: (relation) => isBlocking(relation) === isBlock,
      eventOf: (to) => ({ type: 'block-changed', from: viewer, to }),
      tell: (id) => (asksBoth ? undefined : writes.cache.setBlock(viewer, id, isBlock ? 'BLOCKS' : 'NONE')),
    });
    const blocked = isBlock ? keysOf(outcomes, isDone) : [];
    if (blocked.length > 0)
      for (const id of await follows.endFollows(viewer, blocked, call)) outcomes.set(id, 'FOLLOWS_REMAIN');
    return outcomes;
  }

  return {
    /** Makes `viewer` block, or no longer block, each of `userIds`: other accounts, each named once. */
    change: (isBlock: boolean, viewer: UserId, userIds: readonly UserId[], call: CallOptions) =>
      writes.runExclusive(viewer, userIds, call, () => changeNow(isBlock, viewer, userIds, call)),
  };
}
