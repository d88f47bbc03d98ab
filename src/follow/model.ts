// The words of the domain: graph/ and tencent/ translate to and from these.
import { z } from 'zod';

/** An account's UserID: 1 to 32 bytes (CONTRACT 1.8). */
export type UserId = string;

export const MAX_USER_ID_BYTES = 32;
/** Whether `id` can be a UserID at all. Cache keys are composed with what is forbidden here, so that none may have it. */
export const isUserId = (id: unknown): id is UserId =>
  typeof id === 'string' && /^[^\s:{}\p{Cc}\p{Cs}]+$/u.test(id) && Buffer.byteLength(id) <= MAX_USER_ID_BYTES;

/** The three lists that every user has; the owner's words. */
export type FollowList = 'fans' | 'follows' | 'mutuals';

/** How one user stands to another, from the first one's point of view. */
export type FollowRelation = 'NONE' | 'FAN' | 'FOLLOWING' | 'MUTUAL';

/** Who blocks whom of two users, from the first one's point of view. Without `BLOCKED_BY` where that may not be asked. */
export type BlockRelation = 'NONE' | 'BLOCKS' | 'BLOCKED_BY' | 'BOTH';

export type PresenceStatus = 'ONLINE' | 'PUSH_ONLINE' | 'OFFLINE';
/** Whether a user is connected, and the platforms by which they can be reached, in the upstream's words. */
export type Presence = { readonly status: PresenceStatus; readonly platforms: readonly string[] };

/** How many accounts the upstream takes in one call (CONTRACT 0, 10, 11). */
export const PER_CALL = { counts: 20, profiles: 100, relations: 100, changes: 20, blocks: 1000, presences: 500 };

const text = z.string().nullable();
const number = z.number().nullable();

/** What a profile holds. A value that is unset, or that this version cannot read, is null; `items` keeps it raw. */
export const PROFILE = z.object({
  nick: text,
  /** An absolute URL. */
  avatar: text,
  gender: z.enum(['UNKNOWN', 'FEMALE', 'MALE']).nullable(),
  /** A calendar date, `YYYY-MM-DD`. */
  birthday: text,
  location: text,
  selfSignature: text,
  language: number,
  level: number,
  role: number,
  allowType: z.enum(['NEED_CONFIRM', 'ALLOW_ANY', 'DENY_ANY']).nullable(),
  adminForbidType: z.enum(['NONE', 'SEND_OUT']).nullable(),
  /** Bit field; bit 0 set: do not receive messages. */
  messageSettings: number,
  /** The app's own fields, keys without the `Tag_Profile_Custom_` prefix. */
  customFields: z.array(z.object({ key: z.string(), value: z.string() })).readonly(),
  /** Everything that the upstream sent, in its order (CONTRACT 6.3). */
  items: z.array(z.object({ tag: z.string(), value: z.union([z.string(), z.number()]) })).readonly(),
  /** The upstream's `profile_sequence`: a higher one is newer. Null when it did not say. */
  version: number,
});
/** A user's profile. */
export type Profile = z.infer<typeof PROFILE>;
/** One raw item of a profile, as the upstream keeps it. */
export type ProfileItem = Profile['items'][number];
export type Gender = NonNullable<Profile['gender']>;
export type AllowType = NonNullable<Profile['allowType']>;
export type AdminForbidType = NonNullable<Profile['adminForbidType']>;

/**
 * A field of a profile that is to be set: the name of one in `Profile`, or the upstream's tag of one of the app's own. The
 * value is a client's word; null unsets it.
 */
export type ProfileEdit = { readonly field: string; readonly value: unknown };

/**
 * A user as far as it is known without asking: always an id, the profile when something brought it along, and the list
 * that it was found in, since that tells how its owner stands to the user.
 */
export type UserHandle = {
  readonly id: UserId;
  readonly profile: Profile | null;
  readonly memberOf?: { readonly userId: UserId; readonly list: FollowList };
};

/** A member of a list. `followedAt` is Unix seconds (CONTRACT 4.1), 0 where the upstream's cannot be read. */
export type FollowEntry = { readonly user: UserHandle; readonly followedAt: number };

/** Names one upstream page: `start` is the upstream's opaque cursor (`''` = the head of the list). */
export type PageQuery = { userId: UserId; list: FollowList; start: string; size: number };

/** One upstream page, each account once, in upstream order. `next` is `''` when the upstream promises no more. */
export type FollowPage = { readonly entries: readonly FollowEntry[]; readonly next: string };

/** How long the lists of a user are; null where the upstream says what cannot be. */
export type FollowCounts = Record<FollowList, number | null>;

/** The order of lists (CONTRACT U3), in which each member's position is their own. */
export const newestFirst = (a: FollowEntry, b: FollowEntry): number =>
  b.followedAt - a.followedAt || (a.user.id < b.user.id ? -1 : 1);
