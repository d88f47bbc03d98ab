// The follow service with a cache in front of it.
import type { DomainEvent } from './invalidation.ts';
import type { FollowMemory } from './memory.ts';
import type { FollowRelation, UserId } from './model.ts';

export type CachedFollowService = Omit<FollowMemory, 'forget' | 'noteTold'> & {
  invalidate(event: DomainEvent): Promise<void>;
  /** Keeps a relation that is known, as `from` sees it. */
  setRelation(from: UserId, to: UserId, relation: FollowRelation): void;
  /** The upstream has sent a webhook: while it does, what is cached is fresh for longer. */
  noteWebhook(): void;
  /** Webhooks may be lost for this long (milliseconds): fresh times are those without webhooks, on all replicas. */
  withdrawWebhooks(ms: number): void;
  /** Whether a group still has the generation that a read was told. */
  isCurrent(group: string, generation: number): boolean;
};

export function withInvalidation(memory: FollowMemory): CachedFollowService {
  const { forget, noteTold, ...rest } = memory;
  return { ...rest, invalidate: forget, noteWebhook: noteTold, isCurrent: () => true };
}
