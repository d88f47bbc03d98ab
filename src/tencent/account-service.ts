// Accounts: how they are taken in, searched for, and found online (CONTRACT 6.5).
import { GatewayError } from '../errors.ts';
import type { Sources } from '../follow/caches.ts';
import { isUserId, PER_CALL, type Presence, type PresenceStatus, type UserId } from '../follow/model.ts';
import type { Batch, CallOptions } from '../follow/services.ts';
import { isRecord } from '../json.ts';
import { askInChunks, readItems } from './batch.ts';
import type { TencentClient } from './client.ts';
import { isAboutRequest, malformedAnswer } from './upstream-errors.ts';
import type { WireStatus } from './wire.ts';

export type NewAccount = { id: UserId; nick?: string | undefined; avatar?: string | undefined };

const MAX_IMPORTED = 100;

/**
 * Makes sure that each account exists, with what is given of it: done twice it is the same. Of an account that comes
 * twice the last one counts.
 */
export function importAccounts(
  client: Pick<TencentClient, 'call'>,
  accounts: readonly NewAccount[],
  call: CallOptions,
): Promise<Batch<'done'>> {
  const byId = new Map(accounts.map((account) => [account.id, account]));
  return askInChunks('multiaccount_import', [...byId.keys()], MAX_IMPORTED, ask, 'in turn');

  async function ask(ids: UserId[]): Promise<Batch<'done'>> {
    const AccountList = ids.map((id) => {
      const { nick, avatar } = byId.get(id) ?? {};
      return { UserID: id, Nick: nick || undefined, FaceUrl: avatar || undefined };
    });
    try {
      const { FailAccounts: failed = [] } = await client.call('multiaccount_import', { AccountList }, call);
      if (!Array.isArray(failed)) throw malformedAnswer('multiaccount_import', 'FailAccounts is not a list');
      return new Map(ids.map((id) => [id, failed.includes(id) ? refused(id) : 'done']));
    } catch (error) {
      if (ids.length === 1 || !isAboutRequest(error)) throw error;
      // Which account it is about, the upstream does not say.
      return askInChunks('multiaccount_import', ids, 1, ask, 'in turn');
    }
  }
}

const refused = (id: UserId) => new GatewayError('BAD_USER_INPUT', `The upstream does not import "${id}".`);

const MATCHES_ALL_WORDS = 1;
const MAX_PAGE = 100;

/** Creates the search over `user_search/search`. Its profiles may be out of date: only ids are read. */
export const createUserSearch =
  (client: Pick<TencentClient, 'call'>): Sources['searchUsers'] =>
  async (words, start, call) => {
    const request = { Keywords: words, KeywordMatchType: MATCHES_ALL_WORDS, Count: MAX_PAGE, Cursor: start };
    const { Users: users = [], IsFinish: isFinished, Cursor: next } = await client.call('search', request, call);
    if (!Array.isArray(users)) throw malformedAnswer('search', 'Users is not a list');
    const ids = (users as unknown[]).map((user) => (isRecord(user) ? user.UserID : null)).filter(isUserId);
    const entries = Array.from(new Set(ids), (id) => ({ user: { id, profile: null }, followedAt: 0 }));
    return { entries, next: isFinished === false && typeof next === 'string' ? next : '' };
  };

const COMMAND = 'query_online_status';
const WORDS: Record<WireStatus, PresenceStatus> = { Online: 'ONLINE', PushOnline: 'PUSH_ONLINE', Offline: 'OFFLINE' };
const STATUSES = new Map<unknown, PresenceStatus>(Object.entries(WORDS));

export const createPresenceReader =
  (client: Pick<TencentClient, 'call'>): Sources['readPresences'] =>
  (userIds, call) =>
    askInChunks(COMMAND, userIds, PER_CALL.presences, async (chunk) => {
      const answer = await client.call(COMMAND, { To_Account: chunk, IsNeedDetail: 1 }, call);
      const { QueryResult: found, ErrorList: failed = [] } = answer;
      if (!Array.isArray(found) || !Array.isArray(failed)) throw malformedAnswer(COMMAND, 'QueryResult is not a list');
      const items = [
        ...failed.map((item) => ({ ...item, ResultCode: item?.ErrorCode })),
        ...found.map((item) => ({ ...item, ResultCode: 0 })),
      ];
      return readItems(COMMAND, { items }, { field: 'items', read: presenceOf });
    });

// English editions of the documents call the status `State`.
function presenceOf({ State, Status = State, Detail }: Record<string, unknown>): Presence | undefined {
  const status = STATUSES.get(Status);
  const devices: unknown[] = Array.isArray(Detail) ? Detail : [];
  const platforms = devices.flatMap((device) =>
    isRecord(device) && typeof device.Platform === 'string' && device.Status !== 'Offline' ? [device.Platform] : [],
  );
  return status && { status, platforms: [...new Set(platforms)] };
}
