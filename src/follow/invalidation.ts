// What to invalidate when something happened to the follow graph: one list of groups for each event.
import { type CacheKind, pageGroup, relationKey } from './caches.ts';
import type { FollowList, UserId } from './model.ts';

/** Something happened that makes cached entries wrong. */
export type DomainEvent =
  | { type: 'follow-changed'; from: UserId; to: UserId }
  | { type: 'block-changed'; from: UserId; to: UserId }
  | { type: 'profile-changed'; userId: UserId }
  /** Anything may have happened to this user: an operator says so. */
  | { type: 'user-changed'; userId: UserId };

/** Entries that are invalidated together. */
export type Group = { kind: CacheKind; group: string };

export function groupsOf(event: DomainEvent): Group[] {
  switch (event.type) {
    case 'profile-changed':
      return [{ kind: 'profile', group: event.userId }];
    case 'block-changed':
      return [
        { kind: 'block', group: relationKey(event.from, event.to) },
        { kind: 'block', group: relationKey(event.to, event.from) },
        { kind: 'blocked', group: event.from },
      ];
    case 'user-changed':
      return [
        ...pages(event.userId, 'fans', 'follows', 'mutuals'),
        ...(['counts', 'profile', 'blocked', 'presence'] as const).map((kind) => ({ kind, group: event.userId })),
      ];
    case 'follow-changed': {
      const { from, to } = event;
      return [
        ...pages(from, 'follows', 'mutuals'),
        ...pages(to, 'fans', 'mutuals'),
        { kind: 'counts', group: from },
        { kind: 'counts', group: to },
        { kind: 'relation', group: relationKey(from, to) },
        { kind: 'relation', group: relationKey(to, from) },
      ];
    }
  }
}

function pages(userId: UserId, ...lists: FollowList[]): Group[] {
  return lists.map((list) => ({ kind: 'page', group: pageGroup(userId, list) }));
}
