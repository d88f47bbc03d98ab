// Visibility of lists: the one place that decides; an embedding service replaces it by the override `maySee`.
import type { FollowList, UserId } from '../follow/model.ts';
import type { Viewer } from './viewer.ts';

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
