// What REST calls and people in their own apps change, with the webhook that tells it (CONTRACT 7.4). Only real changes send
// one (U14, U15).
import type { WireProfileItem } from '../tencent/wire.ts';
import type { Platform, Tags } from './accounts.ts';
import type { Webhooks } from './webhooks.ts';
import type { World } from './world.ts';

/** How each change of a connection is called, and what it leaves the device as. */
const STATE_CHANGES = {
  login: { Action: 'Login', Reason: 'Register', status: 'Online' },
  logout: { Action: 'Logout', Reason: 'Unregister', status: 'Offline' },
  disconnect: { Action: 'Disconnect', Reason: 'LinkClose', status: 'PushOnline' },
} as const;
type StateChange = keyof typeof STATE_CHANGES;

export type Actions = ReturnType<typeof createActions>;

/** Of the actions that say so in a boolean, each answers whether anything changed. */
export function createActions(world: World, send: Webhooks['send'], now: () => number) {
  function tell(changed: readonly unknown[], command: string, fields: object): boolean {
    if (changed.length > 0) send(command, fields);
    return changed.length > 0;
  }

  return {
    follow(from: string, to: string | string[], atSeconds?: number): boolean {
      const changed = [to].flat().filter((id) => world.follow(from, id, atSeconds));
      const FollowList = changed.map((id) => ({ To_Account: id }));
      return tell(changed, 'Follow.CallbackAfterFollowAdd', { From_Account: from, FollowList, EventTime: now() });
    },

    unfollow(from: string, to: string | string[]): boolean {
      const changed = [to].flat().filter((id) => world.unfollow(from, id));
      const body = { From_Account: from, To_Account: changed, EventTime: now() };
      return tell(changed, 'Follow.CallbackAfterFollowDelete', body);
    },

    /** The webhook names no time. */
    block(from: string, to: string | string[], isBlocked = true): boolean {
      const changed = [to].flat().filter((id) => world.setBlocked(from, id, isBlocked));
      const PairList = changed.map((id) => ({ From_Account: from, To_Account: id }));
      return tell(changed, `Sns.CallbackBlackList${isBlocked ? 'Add' : 'Delete'}`, { PairList });
    },

    /** Answers the tags whose value is new. */
    setProfile(id: string, tags: Tags): WireProfileItem[] {
      const changed = world.setProfile(id, tags);
      const body = { Operator_Account: id, From_Account: id, EventTime: now(), ProfileItem: changed };
      tell(changed, 'Profile.CallbackPortraitSet', body);
      return changed;
    },

    /** A device comes, goes, or drops out, which leaves it reachable by push. */
    connect(id: string, platform: Platform, how: StateChange = 'login'): void {
      const { Action, Reason, status } = STATE_CHANGES[how];
      world.setDevice(id, platform, status);
      send('State.StateChange', { EventTime: now(), Info: { Action, To_Account: id, Reason } });
    },
  };
}
