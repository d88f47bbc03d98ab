// The upstream's words: its commands, and the shapes that the gateway and the sandbox share (CONTRACT 1, 3, 4, 6).

/**
 * Path (CONTRACT 1.1) and effect of every command. A `read` may be repeated; a `write` only when it is certain that nothing
 * was done: the caller looks first (CONTRACT U27).
 */
export const COMMANDS = {
  follow_get: { service: 'follow', effect: 'read' },
  follow_get_info: { service: 'follow', effect: 'read' },
  follow_check: { service: 'follow', effect: 'read' },
  follow_add: { service: 'follow', effect: 'write' },
  follow_delete: { service: 'follow', effect: 'write' },
  portrait_get: { service: 'profile', effect: 'read' },
  portrait_set: { service: 'profile', effect: 'write' },
  black_list_add: { service: 'sns', effect: 'write' },
  black_list_delete: { service: 'sns', effect: 'write' },
  black_list_check: { service: 'sns', effect: 'read' },
  black_list_get: { service: 'sns', effect: 'read' },
  query_online_status: { service: 'openim', effect: 'read' },
  search: { service: 'user_search', effect: 'read' },
  account_check: { service: 'im_open_login_svc', effect: 'read' },
  multiaccount_import: { service: 'im_open_login_svc', effect: 'write' },
} as const satisfies Record<string, { service: string; effect: 'read' | 'write' }>;

/** Every command that this project knows. */
export type Command = keyof typeof COMMANDS;

/** The path of a command, below the base URL. */
export const pathOf = (command: Command): string => `/v4/${COMMANDS[command].service}/${command}`;

/** The part that every answer has (CONTRACT 1.4). HTTP status is 200 for business errors too. */
export type Envelope = {
  ActionStatus: 'OK' | 'FAIL';
  ErrorCode: number;
  ErrorInfo?: string;
  ErrorDisplay?: string;
  RequestId?: string;
};

/** One per key of a batch; 0 = processed (CONTRACT 3). */
export type ItemResult = { To_Account: string; ResultCode: number; ResultInfo: string };

export type WireProfileItem = { Tag: string; Value: string | number };

/** Who blocks whom, from `From_Account` (A) to the other (B). */
export type BlackCheckRelation = `BlackCheckResult_Type_${'NO' | 'AWithB' | 'BWithA' | 'BothWay'}`;

export type WireStatus = 'Online' | 'PushOnline' | 'Offline';

/** The host of each region's REST API. */
export const REGIONS = {
  china: 'console.tim.qq.com',
  singapore: 'adminapisgp.im.qcloud.com',
  seoul: 'adminapikr.im.qcloud.com',
  tokyo: 'adminapijpn.im.qcloud.com',
  frankfurt: 'adminapiger.im.qcloud.com',
  'silicon-valley': 'adminapiusa.im.qcloud.com',
  jakarta: 'adminapiidn.im.qcloud.com',
  mumbai: 'adminapiind.im.qcloud.com',
  riyadh: 'adminapiksa.im.qcloud.com',
} as const;

export type Region = keyof typeof REGIONS;
