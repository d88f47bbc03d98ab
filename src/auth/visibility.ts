// Who may see whose lists: the one place that decides, for a team to replace.
import type { FollowList, UserId } from '../follow/model.ts';
import type { Viewer } from './viewer.ts';

/** Whether `viewer` (null: anonymous) may see who is in a list of `owner`. Asked for every list, so it must be quick. */
export type MaySee = (viewer: Viewer | null, owner: UserId, list: FollowList) => boolean;

/** `self`: the owner alone; `authenticated`: whoever says who they are; `public`: anybody. */
export type Visibility = 'public' | 'authenticated' | 'self';

/** The rule of the setting `LIST_VISIBILITY`. Counts are no list: they can always be seen. */
export function createVisibility(settings: Readonly<Record<FollowList, Visibility>>): MaySee {
  return (viewer, owner, list) => {
    switch (settings[list]) {
      case 'public':
        return true;
      case 'authenticated':
        return viewer !== null;
      case 'self':
        return viewer?.userId === owner;
    }
  };
}
