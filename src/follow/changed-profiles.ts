// Whose profile has changed lately. Lists carry the profiles of their members (contract U1), so a remembered page may
// show an old one: for these users what is remembered of the profile itself counts.
import type { StreamEntry } from '../cache/change-ring.ts';
import type { ChangeStream } from '../cache/change-stream.ts';
import type { Clock } from '../clock.ts';
import type { HeardChange } from './changes.ts';
import type { FollowEntry, FollowPage, UserId } from './model.ts';

export type ChangedProfiles = {
  /** The page without profiles that may be outdated. The same page gives the same object, until more profiles change. */
  page(page: FollowPage): FollowPage;
};

export type ChangedProfilesOptions = {
  stream: Pick<ChangeStream<HeardChange>, 'listen'>;
  clock: Clock;
  /** How long a page answers by itself, in milliseconds: after that it has been read anew. */
  pageMs: number;
};

const MOST_USERS = 10_000;

export function createChangedProfiles({ stream, clock, pageMs }: ChangedProfilesOptions): ChangedProfiles {
  /** User → when; in the order of the changes. */
  const changed = new Map<UserId, number>();
  /** Counts the changes, so that a page is looked through once for each. */
  let edition = 0;
  const checked = new WeakMap<FollowPage, { edition: number; page: FollowPage }>();

  stream.listen(hear, () => {});

  function hear({ value: change }: StreamEntry<HeardChange>): void {
    if (change.type !== 'profile-changed' || change.at + pageMs <= clock.now()) return;
    changed.delete(change.userId);
    changed.set(change.userId, clock.now());
    edition++;
    for (const [userId, at] of changed) {
      if (changed.size <= MOST_USERS && at + pageMs > clock.now()) break;
      changed.delete(userId);
    }
  }

  const isOutdated = ({ user }: FollowEntry): boolean => {
    const at = user.profile ? changed.get(user.id) : undefined;
    return at !== undefined && at + pageMs > clock.now();
  };

  return {
    page(page) {
      if (changed.size === 0) return page;
      const known = checked.get(page);
      if (known?.edition === edition) return known.page;
      const fresh = page.entries.some(isOutdated)
        ? { ...page, entries: page.entries.map((entry) => (isOutdated(entry) ? withoutProfile(entry) : entry)) }
        : page;
      checked.set(page, { edition, page: fresh });
      return fresh;
    },
  };
}

const withoutProfile = ({ user, followedAt }: FollowEntry): FollowEntry => ({
  user: { id: user.id, profile: null },
  followedAt,
});
