// What of a hint is news: so now, by the upstream's word, and not so before. Whoever gets hold of a webhook's signature
// can have anything hinted at (contract 7.3), also what has been so for years.
import { GatewayError } from '../errors.ts';
import { type FollowChange, isFan, isFollowing } from './changes.ts';
import type { HintPast } from './hint-past.ts';
import type { FollowMemory } from './memory.ts';
import type { FollowPage, FollowRelation, UserId } from './model.ts';
import type { CallOptions } from './services.ts';

export type HintNews = {
  /** What is to be told of `targets`, and of whom it is worth asking again. */
  of(
    hint: Pick<FollowChange, 'type' | 'from' | 'at'>,
    targets: readonly UserId[],
    call: CallOptions,
  ): Promise<{ facts: FollowChange[]; open: UserId[] }>;
};

export type HintNewsOptions = {
  /** As the upstream tells it. */
  memory: Pick<FollowMemory, 'readPage' | 'readRelations'>;
  past: Pick<HintPast, 'end'>;
  /** Whether a change is one of this gateway's own, which is told already. */
  explains(type: FollowChange['type'], from: UserId, to: UserId, at: number): boolean;
  /** For how long after a change the upstream's lists may be behind, in milliseconds; 0: they never are. */
  lagMs: number;
};

/**
 * Follows that have just begun are on the head of a list (contract U3). One request follows 20 people at most, so that
 * this, which is also what clients read most, has them all.
 */
export const HEAD_SIZE = 100;
/** By how much the time of a follow in the list (contract 4.1) may differ from that of its webhook, in milliseconds. */
const SAME_EVENT_MS = 60_000;

export function createHintNews({ memory, past, explains, lagMs }: HintNewsOptions): HintNews {
  /** Whom `from` has begun to follow lately; null when the upstream does not say. */
  async function readHead(from: UserId, call: CallOptions): Promise<FollowPage | null> {
    try {
      return await memory.readPage({ userId: from, list: 'follows', start: '', size: HEAD_SIZE }, call);
    } catch (error) {
      if (error instanceof GatewayError) return null;
      throw error;
    }
  }

  return {
    async of({ type, from, at }, targets, call) {
      const relations = await memory.readRelations(from, targets, call);
      const open: UserId[] = [];
      const soNow: FollowChange[] = [];
      for (const to of targets) {
        const relation = relations.get(to);
        if (isMissing(relation)) continue;
        if (relation === undefined || relation instanceof Error || !agrees(type, relation)) open.push(to);
        // An own change is known only when the upstream has answered it, which may be after its webhook.
        else if (!explains(type, from, to, at)) soNow.push({ type, from, to, at, mutual: isFan(relation) });
      }
      // Who was not known as a fan may never have been one: that is not told, and neither is a fan's leaving of whom
      // nobody had heard.
      if (type === 'unfollowed') return { facts: soNow.filter(({ to }) => past.end(from, to)), open };
      if (soNow.length === 0) return { facts: [], open };

      const head = await readHead(from, call);
      const began = new Map(head?.entries.map(({ user, followedAt }) => [user.id, followedAt * 1000]));
      const facts = soNow.filter(({ to }) => {
        const isNew = Math.abs((began.get(to) ?? Number.NEGATIVE_INFINITY) - at) <= SAME_EVENT_MS;
        if (!isNew && (head === null || lagMs > 0)) open.push(to);
        return isNew && !explains(type, from, to, at);
      });
      return { facts, open };
    },
  };
}

/** Nothing happens to an account that does not exist. */
export const isMissing = (outcome: unknown): boolean =>
  outcome instanceof GatewayError && outcome.code === 'USER_NOT_FOUND';

function agrees(type: FollowChange['type'], relation: FollowRelation): boolean {
  return isFollowing(relation) === (type === 'followed');
}
