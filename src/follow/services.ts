import type { CallOptions } from '../cache/single-flight.ts';
import { GatewayError } from '../errors.ts';
import type {
  BlockRelation,
  FollowCounts,
  FollowPage,
  FollowRelation,
  PageQuery,
  Profile,
  ProfileEdit,
  UserId,
} from './model.ts';

export type { CallOptions };

/** What one key of a batch came to: failures stay with their key. */
export type Outcome<T> = T | GatewayError;

/** The value, or null where there is none. */
export const valueOrNull = <T>(outcome: Outcome<T> | undefined): T | null =>
  outcome === undefined || outcome instanceof GatewayError ? null : outcome;

/** Reads on from a value: at once when it is there, else as soon as it is. A cached value answers without a promise. */
export const andThen = <T, R>(value: T | Promise<T>, read: (value: T) => R | Promise<R>): R | Promise<R> =>
  value instanceof Promise ? value.then(read) : read(value);

/** The outcome of a change: it holds now, whether or not this call made it so; or a list is full. */
export type ChangeAnswer =
  | 'done'
  | 'FOLLOW_LIMIT_REACHED'
  | 'FAN_LIMIT_REACHED'
  | 'MUTUAL_LIMIT_REACHED'
  | 'THEIR_MUTUAL_LIMIT_REACHED';

/** One answer for every key that was asked, by key. */
export type Batch<T> = Map<UserId, Outcome<T>>;

/** The follow graph, as the upstream offers it. Rejections are `GatewayError`s. */
export type FollowService = {
  /** Reads one upstream page; an upstream cursor that is refused rejects with `INVALID_CURSOR`. */
  readPage(query: PageQuery, call: CallOptions): Promise<FollowPage>;
  readCounts(userIds: readonly UserId[], call: CallOptions): Promise<Batch<FollowCounts>>;
  /** How `from` stands to each of `userIds`. */
  readRelations(from: UserId, userIds: readonly UserId[], call: CallOptions): Promise<Batch<FollowRelation>>;
  /**
   * Makes `from` follow each of `userIds`, in turn, never twice by itself: a failure says whether the change
   * `mayHaveHappened`. `from` itself unknown is `BAD_USER_INPUT` for each.
   */
  follow(from: UserId, userIds: readonly UserId[], call: CallOptions): Promise<Batch<ChangeAnswer>>;
  /** Ends `from`'s following of each of `userIds`, in the same way. */
  unfollow(from: UserId, userIds: readonly UserId[], call: CallOptions): Promise<Batch<ChangeAnswer>>;
  /** Ends each of `fans`' following of `userId`, in the same way. */
  removeFans(userId: UserId, fans: readonly UserId[], call: CallOptions): Promise<Batch<ChangeAnswer>>;
};

/** Users' profiles, as the upstream offers them. */
export type ProfileService = {
  readProfiles(userIds: readonly UserId[], call: CallOptions): Promise<Batch<Profile>>;
  /** Configured tags that the app does not have, as far as that is known: asked for in vain, so unknown, not unset. */
  refusedTags(): readonly string[];
  /**
   * What `readProfiles` would bring of a profile that came along with a list. Lists carry every field of the app's own,
   * so that the fields of a user would else depend on reads before.
   */
  asAsked(profile: Profile): Profile;
};

/** `unchanged`: it was so before, as far as the upstream tells. */
export type BlockAnswer = 'done' | 'unchanged' | 'BLOCK_LIMIT_REACHED';

/** Whom users block, as the upstream offers it. Changes answer like those of `FollowService`. */
export type BlockService = {
  block(from: UserId, userIds: readonly UserId[], call: CallOptions): Promise<Batch<BlockAnswer>>;
  unblock(from: UserId, userIds: readonly UserId[], call: CallOptions): Promise<Batch<BlockAnswer>>;
  /** Who blocks whom between `from` and each of `userIds`. */
  readBlocks(from: UserId, userIds: readonly UserId[], call: CallOptions): Promise<Batch<BlockRelation>>;
  /** Everybody whom `from` blocks on one page, the newest block first; `followedAt` is when it began. */
  readBlocked(from: UserId, call: CallOptions): Promise<FollowPage>;
};

/** What users can set of profiles. */
export type ProfileEditService = {
  /** Why this cannot be set; null when it can. */
  faultOf(edit: ProfileEdit): 'TOO_LONG' | 'INVALID_VALUE' | null;
  /** Sets all of `edits`, which have no faults, or nothing of them. */
  writeProfile(userId: UserId, edits: readonly ProfileEdit[], call: CallOptions): Promise<'done'>;
  /** Whether a profile has all of `edits`, as far as its fields are asked for. */
  hasAll(profile: Profile, edits: readonly ProfileEdit[]): boolean;
};
