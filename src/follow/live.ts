// What happens to users, told as it happens to whoever listens, and once more to whoever comes back.
import type { FollowList, UserId } from './model.ts';

/** `cursor` resumes right after the event. `at` is epoch milliseconds. */
type Told<T> = { readonly type: T; readonly cursor: string; readonly at: number };

/** Between the cursor that was given and this one events may have been missed: what is shown has to be read again. */
export type EventsMissed = Told<'missed'>;

export type FollowEvent =
  | (Told<'fan-gained' | 'fan-lost' | 'mutual-gained'> & { readonly userId: UserId })
  | EventsMissed;

export type ProfileEvent = (Told<'profile-changed'> & { readonly userId: UserId }) | EventsMissed;

export type Live = {
  /** What happens to `userId`'s fans and mutuals, as far as `maySee` allows each list; asked again for every event. */
  followEvents(
    userId: UserId,
    options: { after: string | null; maySee(list: FollowList): boolean },
  ): AsyncIterableIterator<FollowEvent>;
  profileEvents(userIds: readonly UserId[], options: { after: string | null }): AsyncIterableIterator<ProfileEvent>;
  /** Ends every subscription, as a completed one, and takes no more. */
  close(): void;
};
