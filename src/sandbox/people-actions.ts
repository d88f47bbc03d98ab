// What people do in their own apps, without the gateway: the same changes as over REST, told by the same webhooks.
import type { WireProfileItem } from '../tencent/wire.ts';
import type { Tags } from './accounts.ts';
import type { Announcements } from './announcements.ts';
import type { World } from './world.ts';

const PHONE = { clientIp: '127.0.0.1', platform: 'iOS' } as const;

export type PeopleActions = ReturnType<typeof createPeopleActions>;

export function createPeopleActions({ world, announce }: { world: World; announce: Announcements }) {
  return {
    follow(from: string, to: string, atSeconds?: number): boolean {
      const changed = world.follow(from, to, atSeconds);
      if (changed) announce.followed(from, [to], PHONE);
      return changed;
    },

    unfollow(from: string, to: string): boolean {
      const changed = world.unfollow(from, to);
      if (changed) announce.unfollowed(from, [to], PHONE);
      return changed;
    },

    /** Answers the tags whose value is new. */
    setProfile(id: string, tags: Tags): WireProfileItem[] {
      const changed = world.setProfile(id, tags);
      announce.profileSet(id, changed, id, PHONE);
      return changed;
    },
  };
}
