// Which webhook tells of which change, and with which body (contract 7.4). Only real changes are told (U14, U15).
import type { Command, WireProfileItem } from '../tencent/wire.ts';
import type { RateAlarm } from './rates.ts';
import type { Webhooks } from './webhooks.ts';

/** Where a change came from: the webhook's query says so. */
export type Origin = { clientIp: string; platform: 'RESTAPI' | 'Web' | 'Android' | 'iOS' };

export type Announcements = ReturnType<typeof createAnnouncements>;

type Dependencies = { webhooks: Pick<Webhooks, 'send'>; serviceOf: (command: Command) => string; now: () => number };

export function createAnnouncements({ webhooks, serviceOf, now }: Dependencies) {
  return {
    followed(from: string, targets: string[], origin: Origin): void {
      if (targets.length === 0) return;
      const FollowList = targets.map((id) => ({ To_Account: id }));
      webhooks.send('Follow.CallbackAfterFollowAdd', { From_Account: from, FollowList, EventTime: now() }, origin);
    },

    unfollowed(from: string, targets: string[], origin: Origin): void {
      if (targets.length === 0) return;
      const body = { From_Account: from, To_Account: targets, EventTime: now() };
      webhooks.send('Follow.CallbackAfterFollowDelete', body, origin);
    },

    profileSet(id: string, changed: WireProfileItem[], operator: string, origin: Origin): void {
      if (changed.length === 0) return;
      const body = { Operator_Account: operator, From_Account: id, EventTime: now(), ProfileItem: changed };
      webhooks.send('Profile.CallbackPortraitSet', body, origin);
    },

    /** The one webhook that no client caused: its query has no ClientIP. */
    nearRateLimit({ command, request, limit }: RateAlarm): void {
      const body = { ServiceName: serviceOf(command), Command: command, Request: request, Limit: limit };
      webhooks.send('Alert.RequestOverLimit', body, { platform: 'RESTAPI' });
    },
  };
}
