// Blocks and unblocks in a viewer's name. The upstream's blocklist leaves follows as they are (CONTRACT U23), so that a
// block also ends those between the two.
import { GatewayError } from '../errors.ts';
import type { CachedFollowService } from './cached-follow-service.ts';
import type { FollowWriter } from './follow-writer.ts';
import type { BlockRelation, UserId } from './model.ts';
import { keysOf, mayHaveHappened, sendSurely } from './send-surely.ts';
import { type Batch, type BlockAnswer, type BlockService, type CallOptions, known } from './services.ts';

/** `follows-remain`: blocked, but a follow between the two could not be ended. */
export type BlockOutcome = 'changed' | 'unchanged' | 'full' | 'follows-remain';

export type BlockWriter = ReturnType<typeof createBlockWriter>;

export type BlockWriterOptions = {
  /** The upstream itself. */
  blocks: Pick<BlockService, 'readBlocks' | 'block' | 'unblock'>;
  cache: Pick<CachedFollowService, 'invalidate' | 'invalidateLater' | 'setBlock'>;
  follows: Pick<FollowWriter, 'inTurn' | 'endFollows'>;
  /** Whether it is also known who blocks the viewer, so that a block does not say all of two users. */
  asksBoth: boolean;
};

/** Whether the user whose point of view it is blocks the other. */
export const isBlocking = (relation: BlockRelation | null): boolean => relation === 'BLOCKS' || relation === 'BOTH';

export function createBlockWriter({ blocks, cache, follows, asksBoth }: BlockWriterOptions) {
  async function changeNow(isBlock: boolean, viewer: UserId, userIds: readonly UserId[], call: CallOptions) {
    // The upstream tells who was blocked already, but not who was not.
    const before = isBlock ? null : await blocks.readBlocks(viewer, userIds, call);
    const answers = await sendSurely<BlockAnswer>(
      userIds,
      (ids) => blocks[isBlock ? 'block' : 'unblock'](viewer, ids, call),
      async (lost) => {
        const isSo = new Map<UserId, boolean>();
        for (const [id, relation] of await blocks.readBlocks(viewer, lost, call))
          if (!(relation instanceof GatewayError)) isSo.set(id, isBlocking(relation) === isBlock);
        return isSo;
      },
    );
    const outcomes: Batch<BlockOutcome> = new Map();
    for (const [id, answer] of answers) {
      const wasSo = before !== null && known(before.get(id)) !== null && !isBlocking(known(before.get(id)));
      outcomes.set(id, answer === 'done' ? (wasSo ? 'unchanged' : 'changed') : answer);
    }
    const done = keysOf(outcomes, (outcome) => outcome === 'changed' || outcome === 'unchanged');
    const events = [...done, ...keysOf(outcomes, mayHaveHappened)].map(
      (to) => ({ type: 'block-changed', from: viewer, to }) as const,
    );
    await Promise.all(events.map(cache.invalidate));
    for (const id of asksBoth ? [] : done) cache.setBlock(viewer, id, isBlock ? 'BLOCKS' : 'NONE');
    events.forEach(cache.invalidateLater);
    if (isBlock && done.length > 0)
      for (const id of await follows.endFollows(viewer, done, call)) outcomes.set(id, 'follows-remain');
    return outcomes;
  }

  return {
    /** Makes `viewer` block, or no longer block, each of `userIds`: other accounts, each named once. */
    async change(isBlock: boolean, viewer: UserId, userIds: readonly UserId[], call: CallOptions) {
      if (userIds.length === 0) return new Map<UserId, BlockOutcome>();
      return follows.inTurn(viewer, userIds, call, () => changeNow(isBlock, viewer, userIds, call));
    },
  };
}
