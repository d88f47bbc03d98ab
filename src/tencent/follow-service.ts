// The follow graph as the upstream offers it: our words in, the wire's words out, and back again.
import { GatewayError } from '../errors.ts';
import {
  type FollowCounts,
  type FollowEntry,
  type FollowList,
  type FollowPage,
  type FollowRelation,
  isUserId,
  PER_CALL,
  type UserId,
} from '../follow/model.ts';
import type { ChangeAnswer, FollowService } from '../follow/services.ts';
import { isRecord } from '../json.ts';
import { askInChunks, type BatchCommand, batchOf, blame } from './batch.ts';
import type { TencentClient } from './client.ts';
import { MAX_INT, parseProfile } from './profile.ts';
import { isCount, isRefusal, malformedAnswer, readTime } from './upstream-errors.ts';

export type FollowServiceOptions = {
  /** The admin account that counts are asked by (CONTRACT 4.5, `From_Account`). */
  onBehalfOf: UserId;
  /** Whether a profile on a list page holds every tag that is set (CONTRACT U2), and is taken. Default `whole`. */
  embeddedProfile?: 'whole' | 'partial';
  /** Told of what a page held that could not be read. */
  onOddEntry?: (oddity: string) => void;
};

/** One orientation for `follow_get` and `follow_check`; native SDKs count the other way round (CONTRACT 4.0). */
const WIRE_LIST: Readonly<Record<FollowList, number>> = { fans: 1, follows: 2, mutuals: 3 };
const RELATION_OF_WIRE: readonly FollowRelation[] = ['NONE', 'FAN', 'FOLLOWING', 'MUTUAL'];

const PARAMETERS_REFUSED = 30001;
const NO_SUCH_ACCOUNT = 30003;
/** Limits of the lists of who follows and who is followed (CONTRACT 4.2). */
const FULL_LISTS: Readonly<Record<number, ChangeAnswer>> = {
  32100: 'FOLLOW_LIMIT_REACHED',
  32101: 'FAN_LIMIT_REACHED',
  32102: 'MUTUAL_LIMIT_REACHED',
  32103: 'THEIR_MUTUAL_LIMIT_REACHED',
};
const CHANGE: BatchCommand<ChangeAnswer> = {
  ...{ max: PER_CALL.changes, order: 'in turn', field: 'ResultItem' },
  read: () => 'done',
  meaningOf: ({ upstream }) => FULL_LISTS[upstream?.errorCode ?? 0],
};

/** Creates the follow service over the five `v4/follow` commands (CONTRACT 4). */
export function createFollowService(client: Pick<TencentClient, 'call'>, options: FollowServiceOptions): FollowService {
  const { onBehalfOf, embeddedProfile = 'whole', onOddEntry = () => {} } = options;
  const readCounts = batchOf(client, 'follow_get_info', {
    ...{ max: PER_CALL.counts, field: 'FollowInfo', read: countsOf },
    // The only account that can be missing at the top is the one that asks, not one that is asked about (CONTRACT U16).
    blames: 'UPSTREAM_MISCONFIGURED',
  });
  const unfollowAsFan = batchOf(client, 'follow_delete', { ...CHANGE, blames: 'USER_NOT_FOUND' });

  /** A member that cannot be read is left out, so that it does not hide the others. */
  function parsePage(answer: Record<string, unknown>): FollowPage {
    // Absent on an empty page (CONTRACT U10), and Go services write an empty list as null.
    const items = answer.FollowItem ?? [];
    const next = answer.NextCursor ?? '';
    if (!Array.isArray(items)) throw malformedAnswer('follow_get', 'FollowItem is not a list');
    if (typeof next !== 'string') throw malformedAnswer('follow_get', 'NextCursor is not a string');
    const entries = new Map<UserId, FollowEntry>();
    for (const item of items as unknown[]) {
      const id = isRecord(item) && typeof item.To_Account === 'string' ? item.To_Account.toWellFormed() : null;
      if (!isRecord(item) || !isUserId(id)) {
        onOddEntry('no account');
        continue;
      }
      const followedAt = readTime(item.FollowTime);
      if (followedAt === 0) onOddEntry('no time');
      const { ProfileItem: tags, profile_sequence: version } = item;
      // The field table does not promise the profile (CONTRACT U1): without one it is unknown, not empty.
      const profile =
        embeddedProfile === 'whole' && Array.isArray(tags)
          ? parseProfile(tags, isCount(version) ? version : null)
          : null;
      if (!entries.has(id)) entries.set(id, { user: { id, profile }, followedAt });
    }
    return { entries: [...entries.values()], next };
  }

  return {
    async readPage({ userId, list, start, size }, call) {
      const request = { From_Account: userId, FollowType: WIRE_LIST[list], StartCursor: start, WantNum: size };
      const answer = await client.call('follow_get', request, call).catch((error: unknown) => {
        // Everything else in the request is ours and valid, so the cursor is what the upstream does not know (CONTRACT U6).
        if (start === '' || !isRefusal(error, PARAMETERS_REFUSED)) return blame('USER_NOT_FOUND', userId)(error);
        const { upstream } = error;
        throw new GatewayError('INVALID_CURSOR', 'follow_get: the upstream does not know this cursor', { upstream });
      });
      return parsePage(answer);
    },

    readCounts: (userIds, call) => readCounts(onBehalfOf, userIds, call),
    readRelations: batchOf(client, 'follow_check', {
      ...{ max: PER_CALL.relations, field: 'ResultItem' },
      read: ({ FollowType: relation }) => (typeof relation === 'number' ? RELATION_OF_WIRE[relation] : undefined),
    }),

    // Objects for follow_add, strings for follow_delete (CONTRACT 0).
    follow: batchOf(client, 'follow_add', {
      ...CHANGE,
      request: (from, chunk) => ({ From_Account: from, FollowItem: chunk.map((id) => ({ To_Account: id })) }),
    }),
    unfollow: batchOf(client, 'follow_delete', CHANGE),

    // A call ends follows of one account: it is made in each fan's name, as an admin may (CONTRACT 4.3).
    removeFans: (userId, fans, call) =>
      askInChunks(
        'follow_delete',
        fans,
        1,
        async ([fan = '']) => {
          const outcome = (await unfollowAsFan(fan, [userId], call)).get(userId);
          if (isRefusal(outcome, NO_SUCH_ACCOUNT)) return blame('BAD_USER_INPUT', userId)(outcome);
          return new Map(outcome && [[fan, outcome]]);
        },
        'in turn',
      ),
  };
}

function countsOf(item: Record<string, unknown>): FollowCounts | undefined {
  const { FollowerCount, FollowingCount, MutualFollowingCount } = item;
  const [fans = null, follows = null, mutuals = null] = [FollowerCount, FollowingCount, MutualFollowingCount].map(
    (count) => (isCount(count) && count <= MAX_INT ? count : null),
  );
  return (fans ?? follows ?? mutuals) === null ? undefined : { fans, follows, mutuals };
}
