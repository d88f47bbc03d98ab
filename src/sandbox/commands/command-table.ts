// Every command with its service, as the path names them: `/v4/{service}/{command}` (contract 1.1).
import type { Command, CommandServices } from '../../tencent/wire.ts';
import type { Announcements } from '../announcements.ts';
import type { ProfileTags } from '../profile-tags.ts';
import type { World } from '../world.ts';
import { createAccountCheck, createQueryOnlineStatus } from './accounts.ts';
import type { Handler } from './batch-items.ts';
import { createFollowAdd, createFollowDelete, type ListLimits } from './follow-change.ts';
import { createFollowGet } from './follow-get.ts';
import { createFollowCheck, createFollowGetInfo } from './follow-relations.ts';
import { createPortraitGet, createPortraitSet } from './portraits.ts';

type Dependencies = {
  world: World;
  tags: ProfileTags;
  announce: Announcements;
  limits: ListLimits;
  now: () => number;
};

export type CommandTable = { readonly [C in Command]: { service: CommandServices[C]; handle: Handler } };

export function createCommandTable(dependencies: Dependencies): CommandTable {
  return {
    follow_get: { service: 'follow', handle: createFollowGet(dependencies) },
    follow_get_info: { service: 'follow', handle: createFollowGetInfo(dependencies) },
    follow_check: { service: 'follow', handle: createFollowCheck(dependencies) },
    follow_add: { service: 'follow', handle: createFollowAdd(dependencies) },
    follow_delete: { service: 'follow', handle: createFollowDelete(dependencies) },
    portrait_get: { service: 'profile', handle: createPortraitGet(dependencies) },
    portrait_set: { service: 'profile', handle: createPortraitSet(dependencies) },
    account_check: { service: 'im_open_login_svc', handle: createAccountCheck(dependencies) },
    query_online_status: { service: 'openim', handle: createQueryOnlineStatus(dependencies) },
  };
}
