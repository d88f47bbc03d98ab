// The APIs of the wire: `POST /v4/{service}/{command}`, and how many calls a second each takes (contract 1.1, 1.6).
import type { Command, CommandServices } from '../tencent/wire.ts';

export const APIS: { readonly [C in Command]: { service: CommandServices[C]; maxPerSecond: number } } = {
  follow_get: { service: 'follow', maxPerSecond: 200 },
  follow_get_info: { service: 'follow', maxPerSecond: 200 },
  follow_check: { service: 'follow', maxPerSecond: 200 },
  follow_add: { service: 'follow', maxPerSecond: 200 },
  follow_delete: { service: 'follow', maxPerSecond: 200 },
  portrait_get: { service: 'profile', maxPerSecond: 200 },
  portrait_set: { service: 'profile', maxPerSecond: 200 },
  account_check: { service: 'im_open_login_svc', maxPerSecond: 100 },
  query_online_status: { service: 'openim', maxPerSecond: 200 },
};

// The table has no other keys than commands.
export const COMMANDS = Object.keys(APIS) as Command[];
