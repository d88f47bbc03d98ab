// Those of a user's fans whom somebody follows: "followed by someone you know and 3 others".
import type { FollowEntry } from './model.ts';

export type KnownFans = {
  /** In the order of the follows of whoever knows them. */
  readonly members: readonly FollowEntry[];
  /** False when there may be more: finding them all would take too many upstream calls. */
  readonly exact: boolean;
};
