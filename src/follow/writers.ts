// What viewers change: whom they follow, whom they block, and their profiles. Told to all replicas and subscribers.
import { GatewayError, outcomeOf } from '../errors.ts';
import { type ChangeKind, isFan, isFollowing, relationOf } from './changes.ts';
import type { BlockRelation, FollowRelation, Profile, ProfileEdit, UserId } from './model.ts';
import {
  type Batch,
  type BlockAnswer,
  type BlockService,
  type CallOptions,
  type ChangeAnswer,
  type FollowService,
  type Outcome,
  type ProfileEditService,
  type ProfileService,
  valueOrNull,
} from './services.ts';
import { isDone, keysOf, type Writes } from './writes.ts';

export type FollowWriter = ReturnType<typeof createFollowWriter>;

/** A change waits no longer than this for the look before it, which only makes its answer better. In milliseconds. */
const LOOK_MS = 1500;

/** `follow` is the upstream itself: its answer of the moment counts, before a change and after a lost answer. */
export function createFollowWriter(follow: FollowService, writes: Writes) {
  const { cache, own, stream, clock } = writes;

  /** How `from` stands to others by the upstream's word and by own changes that it may not show yet. */
  async function look(from: UserId, userIds: readonly UserId[], call: CallOptions): Promise<Batch<FollowRelation>> {
    const deadlineAt = Math.min(call.deadlineAt, clock.now() + LOOK_MS);
    const relations = await follow.readRelations(from, userIds, { ...call, deadlineAt });
    for (const [to, relation] of relations)
      if (!(relation instanceof GatewayError)) relations.set(to, own.relation(from, to, relation));
    return relations;
  }

  /** `viewer` is on one side of the change, and `userIds` on the other. */
  function changeNow(
    kind: ChangeKind,
    viewer: UserId,
    userIds: readonly UserId[],
    call: CallOptions,
    before: ReadonlyMap<UserId, Outcome<FollowRelation>>,
  ) {
    const startedAt = clock.now();
    return writes.makeSo<FollowRelation, Exclude<ChangeAnswer, 'done'>>(userIds, {
      before,
      send: (ids) => follow[kind](viewer, ids, call),
      read: (ids) => follow.readRelations(viewer, ids, call),
      // After the opposite was done lately a lagging upstream shows the state before that, which confirms nothing.
      isSo: (relation, id) => isMade(kind, relation) && isMade(kind, own.relation(viewer, id, relation)),
      eventOf: (id) => ({ type: 'follow-changed', ...edgeOf(kind, viewer, id) }),
      async tell(id, isChanged) {
        // A change does not touch the follow in the other direction.
        const relation = valueOrNull(before.get(id));
        const isMutual = kind === 'removeFans' ? isFollowing(relation) : isFan(relation);
        if (relation !== null) {
          const [follows, isFollowed] = kind === 'removeFans' ? [isMutual, false] : [kind === 'follow', isMutual];
          cache.setRelation(viewer, id, relationOf(follows, isFollowed));
          cache.setRelation(id, viewer, relationOf(isFollowed, follows));
        }
        await stream.append({
          type: kind === 'follow' ? 'followed' : 'unfollowed',
          ...edgeOf(kind, viewer, id),
          at: clock.now(),
          mutual: isMutual,
          own: { startedAt, isNew: before.has(id) ? isChanged : null },
        });
      },
    });
  }

  return {
    /** Does this to each of `userIds`, other accounts, each named once, in `viewer`'s name. */
    change: (kind: ChangeKind, viewer: UserId, userIds: readonly UserId[], call: CallOptions) =>
      writes.runExclusive(viewer, userIds, async () =>
        changeNow(kind, viewer, userIds, call, await look(viewer, userIds, call)),
      ),
    /** Ends the follows between `viewer` and others in both directions, within `runExclusive`; resolves with failed ones. */
    async endFollows(viewer: UserId, userIds: readonly UserId[], call: CallOptions): Promise<ReadonlySet<UserId>> {
      const left = new Set<UserId>();
      let relations = new Map<UserId, FollowRelation>();
      for (const id of userIds) {
        const relation = cache.knownRelation(viewer, id);
        if (relation !== null) relations.set(id, own.relation(viewer, id, relation));
      }
      for (const kind of ['unfollow', 'removeFans'] as const) {
        // Memory may be behind: a follow that it knows nothing of may be ended as well.
        const before = new Map(Array.from(relations).filter(([, relation]) => !isMade(kind, relation)));
        for (const [id, outcome] of await changeNow(kind, viewer, userIds, call, before))
          if (!isDone(outcome)) left.add(id);
        relations = new Map(Array.from(relations, ([id, relation]) => [id, relationOf(false, isFan(relation))]));
      }
      return left;
    },
  };
}

const isMade = (kind: ChangeKind, relation: FollowRelation): boolean =>
  kind === 'removeFans' ? !isFan(relation) : isFollowing(relation) === (kind === 'follow');

/** Who follows whom by a change: fans are removed at their end. */
const edgeOf = (kind: ChangeKind, viewer: UserId, other: UserId) =>
  kind === 'removeFans' ? { from: other, to: viewer } : { from: viewer, to: other };

/** Whether the user whose point of view it is blocks the other. */
export const isBlocking = (relation: BlockRelation): boolean => relation === 'BLOCKS' || relation === 'BOTH';

/**
 * `blocks` is the upstream itself. `asksBoth`: it is also known who blocks the viewer, so that a block does not say all of
 * two users.
 */
export function createBlockWriter(blocks: BlockService, follows: FollowWriter, asksBoth: boolean, writes: Writes) {
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
      writes.runExclusive(viewer, userIds, () => changeNow(isBlock, viewer, userIds, call)),
  };
}

/** `profiles` is the upstream itself. */
export function createProfileWriter(profiles: ProfileService & ProfileEditService, writes: Writes) {
  const { stream, clock } = writes;

  const changeNow = (userId: UserId, edits: readonly ProfileEdit[], call: CallOptions) =>
    writes.makeSo<Profile, never>([userId], {
      send: async () => new Map([[userId, await outcomeOf(() => profiles.writeProfile(userId, edits, call))]]),
      before: new Map(),
      read: (ids) => profiles.readProfiles(ids, call),
      isSo: (profile) => profiles.hasAll(profile, edits),
      eventOf: () => ({ type: 'profile-changed', userId }),
      tell: async () => {
        await stream.append({ type: 'profile-changed', userId, at: clock.now(), isOwn: true });
      },
    });

  return {
    faultOf: profiles.faultOf,
    /** Sets fields of `userId`'s profile that have no faults; resolves with the failure, or null. */
    async change(userId: UserId, edits: readonly ProfileEdit[], call: CallOptions): Promise<GatewayError | null> {
      const outcomes = await writes.runExclusive(userId, [userId], () => changeNow(userId, edits, call));
      const outcome = outcomes.get(userId);
      return outcome instanceof GatewayError ? outcome : null;
    },
  };
}
