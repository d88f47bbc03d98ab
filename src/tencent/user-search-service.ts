// Finding users by text as the upstream offers it (CONTRACT 12), to apps that have bought that.
import { isUserId, type UserId } from '../follow/model.ts';
import type { UserSearchService } from '../follow/services.ts';
import type { TencentClient } from './client.ts';
import { isRecord } from './envelope.ts';
import { malformedAnswer } from './upstream-errors.ts';

const MATCHES_ALL_WORDS = 1;
const MAX_PAGE = 100;

/** Creates the search over `user_search/search`. Its profiles may be out of date: only ids are read. */
export function createUserSearchService(client: Pick<TencentClient, 'call'>): UserSearchService {
  return {
    async searchUsers(words, start, call) {
      const request = { Keywords: words, KeywordMatchType: MATCHES_ALL_WORDS, Count: MAX_PAGE, Cursor: start };
      const { Users: users = [], IsFinish: isFinished, Cursor: next } = await client.call('search', request, call);
      if (!Array.isArray(users)) throw malformedAnswer('search', 'Users is not a list');
      const ids = (users as unknown[]).map((user) => (isRecord(user) ? user.UserID : null)).filter(isUserId);
      return { ids: [...new Set<UserId>(ids)], next: isFinished === false && typeof next === 'string' ? next : '' };
    },
  };
}
