// The viewer of a request, and whose lists they may see.
import type { FollowList, UserId } from '../follow/model.ts';

/** The user that a request is made for, once that is proven. */
export type Viewer = {
  readonly userId: UserId;
  /** Epoch milliseconds after which the credential no longer holds; null when it has no end. */
  readonly expiresAt: number | null;
};

/** Whether `viewer` (null: anonymous) may see the members of a list of `owner`. Called for every list, so it must be quick. */
export type MaySee = (viewer: Viewer | null, owner: UserId, list: FollowList) => boolean;

/** `self`: the owner alone; `authenticated`: every viewer; `public`: all. */
export type Visibility = 'public' | 'authenticated' | 'self';

/** The rule of the setting `LIST_VISIBILITY`. Counts are no list: they can always be seen. */
export function createVisibility(settings: Readonly<Record<FollowList, Visibility>>): MaySee {
  return (viewer, owner, list) => {
    if (settings[list] === 'public') return true;
    return settings[list] === 'self' ? viewer?.userId === owner : viewer !== null;
  };
}
