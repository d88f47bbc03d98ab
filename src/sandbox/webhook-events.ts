// Which webhook a change sends, and with which body (CONTRACT 7.4). Only real changes send one (U14, U15).
import type { WireProfileItem } from '../tencent/wire.ts';
import type { Platform, Tags } from './accounts.ts';
import { APIS, type RateAlarm } from './calls.ts';
import type { Origin, Webhooks } from './webhooks.ts';
import type { World } from './world.ts';

const PHONE: Origin = { clientIp: '127.0.0.1', platform: 'iOS' };

/** How each change of a connection is called, and what it leaves the device as. */
const STATE_CHANGES = {
  login: { Action: 'Login', Reason: 'Register', status: 'Online' },
  logout: { Action: 'Logout', Reason: 'Unregister', status: 'Offline' },
  disconnect: { Action: 'Disconnect', Reason: 'LinkClose', status: 'PushOnline' },
} as const;
type StateChange = keyof typeof STATE_CHANGES;

export type WebhookEvents = ReturnType<typeof createWebhookEvents>;

export function createWebhookEvents({ send }: Pick<Webhooks, 'send'>, now: () => number) {
  return {
    followed(from: string, targets: string[], origin: Origin): void {
      const FollowList = targets.map((id) => ({ To_Account: id }));
      send('Follow.CallbackAfterFollowAdd', { From_Account: from, FollowList, EventTime: now() }, origin);
    },

    unfollowed(from: string, targets: string[], origin: Origin): void {
      send('Follow.CallbackAfterFollowDelete', { From_Account: from, To_Account: targets, EventTime: now() }, origin);
    },

    profileSet(id: string, changed: WireProfileItem[], origin: Origin): void {
      const body = { Operator_Account: id, From_Account: id, EventTime: now(), ProfileItem: changed };
      send('Profile.CallbackPortraitSet', body, origin);
    },

    /** Names no time. */
    blocked(from: string, targets: string[], isBlocked: boolean, origin: Origin): void {
      const PairList = targets.map((to) => ({ From_Account: from, To_Account: to }));
      send(`Sns.CallbackBlackList${isBlocked ? 'Add' : 'Delete'}`, { PairList }, origin);
    },

    stateChanged(id: string, how: StateChange): void {
      const { Action, Reason } = STATE_CHANGES[how];
      send('State.StateChange', { EventTime: now(), Info: { Action, To_Account: id, Reason } }, PHONE);
    },

    /** The one webhook that no client caused: its query has no ClientIP. */
    nearRateLimit({ command, request, limit }: RateAlarm): void {
      const body = { ServiceName: APIS[command].service, Command: command, Request: request, Limit: limit };
      send('Alert.RequestOverLimit', body, { platform: 'RESTAPI' });
    },
  };
}

export type PeopleActions = ReturnType<typeof createPeopleActions>;

/** What people do in their own apps, without the gateway: the same changes as over REST, with the same webhooks. */
export function createPeopleActions(world: World, events: WebhookEvents) {
  function tellIf(changed: boolean, tell: () => void): boolean {
    if (changed) tell();
    return changed;
  }

  return {
    follow: (from: string, to: string, atSeconds?: number) =>
      tellIf(world.follow(from, to, atSeconds), () => events.followed(from, [to], PHONE)),

    unfollow: (from: string, to: string) =>
      tellIf(world.unfollow(from, to), () => events.unfollowed(from, [to], PHONE)),

    block: (from: string, to: string, isBlocked = true) =>
      tellIf(world.setBlocked(from, to, isBlocked), () => events.blocked(from, [to], isBlocked, PHONE)),

    /** A device comes, goes, or drops out, which leaves it reachable by push. */
    connect(id: string, platform: Platform, how: StateChange = 'login'): void {
      world.setDevice(id, platform, STATE_CHANGES[how].status);
      events.stateChanged(id, how);
    },

    /** Answers the tags whose value is new. */
    setProfile(id: string, tags: Tags): WireProfileItem[] {
      const changed = world.setProfile(id, tags);
      tellIf(changed.length > 0, () => events.profileSet(id, changed, PHONE));
      return changed;
    },
  };
}
