// What the client must know about each command beyond its name.

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
