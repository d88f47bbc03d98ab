// Those of a user's fans whom the viewer follows: "followed by someone you know and 3 others". Two lists meet: the
// viewer's follows, at most a few thousand, and the user's fans, of whom there may be millions.
import { GatewayError } from '../errors.ts';
import type { CachedFollowService } from './cached-follow-service.ts';
import { isFan } from './changes.ts';
import type { FollowEntry, FollowList, FollowPage, UserId } from './model.ts';
import type { CallOptions } from './services.ts';

export type KnownFans = {
  /** In the order of the viewer's follows. */
  readonly members: readonly FollowEntry[];
  /** False when there may be more: finding them all would take too many upstream calls. */
  readonly exact: boolean;
};

/** Finds the known fans of `userId`, as far as the calls suffice. Rejects when nothing at all could be found out. */
export type FindKnownFans = (viewerId: UserId, userId: UserId, call: CallOptions) => Promise<KnownFans>;

export type KnownFansOptions = {
  /** The most upstream calls that one answer may ask for; what the client tries again is not counted. */
  maxCalls: number;
};

type Service = Pick<CachedFollowService, 'readPage' | 'readCounts' | 'readRelation'>;

/** The upstream's largest page (CONTRACT 4.1), also its most economical one: readers of whole lists share it. */
const PAGE_SIZE = 1000;
/** The most relations that one call answers (CONTRACT 4.4). */
const CHECKS_PER_CALL = 100;
/** No user follows more people (CONTRACT U18), */
const MAX_FOLLOWS = 5000;
/** so that reading them takes no more calls than this. */
const FOLLOWS_CALLS = 5;

export function createKnownFans(service: Service, { maxCalls }: KnownFansOptions): FindKnownFans {
  return async (viewerId, userId, call) => {
    const budget = createCallBudget(maxCalls, call);
    const follows = new Map<UserId, FollowEntry>();
    // One call, where there is another, is left to find out who of them is a fan.
    const reserve = Math.max(1, budget.left() - FOLLOWS_CALLS);
    const end = await walk(service, viewerId, 'follows', budget, ({ entries }) => {
      for (const entry of entries) if (!follows.has(entry.user.id)) follows.set(entry.user.id, entry);
      return follows.size < MAX_FOLLOWS && budget.left() > reserve;
    });
    if (end.pages === 0) throw end.failure;
    const undecided = new Set(follows.keys());
    // No user is their own fan.
    undecided.delete(userId);
    const found = await findFans(service, userId, undecided, budget);
    const members = Array.from(follows.values()).filter(({ user }) => found.has(user.id));
    return { members, exact: end.isEnd && undecided.size === 0 };
  };
}

/** Takes out of `undecided` each user whose relation to `userId` becomes known; answers those who are fans. */
async function findFans(
  service: Service,
  userId: UserId,
  undecided: Set<UserId>,
  budget: CallBudget,
): Promise<Set<UserId>> {
  const found = new Set<UserId>();
  const checks = () => Math.ceil(undecided.size / CHECKS_PER_CALL);
  let failure: GatewayError | null = null;
  let isAnswered = undecided.size === 0;

  const pages = await planPages();
  if (pages > 0 && budget.left() > 0) {
    let read = 0;
    const end = await walk(service, userId, 'fans', budget, ({ entries }) => {
      for (const { user } of entries) if (undecided.delete(user.id)) found.add(user.id);
      read++;
      // More pages than planned, since they come short: from here on checks may do what the rest of the list would not.
      const isOverrun = read >= pages && checks() <= budget.left();
      return undecided.size > 0 && budget.left() > 0 && !isOverrun;
    });
    if (end.isEnd) undecided.clear();
    if (end.failure?.code === 'USER_NOT_FOUND') throw end.failure;
    isAnswered = end.pages > 0;
    failure = end.failure;
  }
  for (const ids = [...undecided]; ids.length > 0 && budget.left() > 0; ) {
    const some = ids.splice(0, budget.left() * CHECKS_PER_CALL);
    const calls = Math.ceil(some.length / CHECKS_PER_CALL);
    for (const [id, relation] of await budget.run(calls, (call) => readRelations(service, userId, some, call))) {
      if (relation instanceof GatewayError && relation.code !== 'USER_NOT_FOUND') {
        failure = relation;
        continue;
      }
      isAnswered = true;
      undecided.delete(id);
      if (!(relation instanceof GatewayError) && isFan(relation)) found.add(id);
    }
  }
  if (failure && !isAnswered) {
    // A check does not say whether it was the user whom the upstream does not know; counts do.
    if (failure.code === 'BAD_USER_INPUT' && budget.left() > 0) await countFans();
    throw failure;
  }
  return found;

  /** How many pages of fans are worth reading; 0: to check the follows is cheaper, or covers more. */
  async function planPages(): Promise<number> {
    // With as many calls left as it takes to check them all, none is to be spent on a plan.
    if (checks() <= 1 || checks() === budget.left()) return 0;
    const fans = budget.left() > 1 ? await countFans() : null;
    // Most users have few fans, so one page is worth a try where checks cannot do.
    if (fans === null) return checks() <= budget.left() ? 0 : 1;
    const pages = Math.max(1, Math.ceil(fans / PAGE_SIZE));
    // Pages are shared by all viewers, checks by none.
    return pages <= checks() ? pages : 0;
  }

  async function countFans(): Promise<number | null> {
    const counts = await budget.run(1, (call) => outcomeOf(() => service.readCounts(userId, call)));
    if (counts instanceof GatewayError && counts.code === 'USER_NOT_FOUND') throw counts;
    return counts instanceof GatewayError ? null : counts.fans;
  }
}

async function readRelations(service: Service, from: UserId, userIds: readonly UserId[], call: CallOptions) {
  const answers = userIds.map(async (to) => [to, await outcomeOf(() => service.readRelation(from, to, call))] as const);
  return Promise.all(answers);
}

async function outcomeOf<T>(read: () => T | Promise<T>): Promise<T | GatewayError> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
}

/** How far a walk got: a page that fails ends it, and so does a cursor that leads back. */
type End = { pages: number; isEnd: boolean; failure: GatewayError | null };

/** Reads a list from its head, by large pages, as long as `take` wants more. */
async function walk(
  service: Service,
  userId: UserId,
  list: FollowList,
  budget: CallBudget,
  take: (page: FollowPage) => boolean,
): Promise<End> {
  const visited = new Set<string>();
  for (let start = ''; !visited.has(start); ) {
    try {
      const query = { userId, list, start, size: PAGE_SIZE };
      const page = await budget.run(1, async (call) => service.readPage(query, call));
      visited.add(start);
      const wantsMore = take(page);
      if (page.next === '' || !wantsMore) return { pages: visited.size, isEnd: page.next === '', failure: null };
      start = page.next;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return { pages: visited.size, isEnd: false, failure: error };
    }
  }
  return { pages: visited.size, isEnd: false, failure: null };
}

/** The calls that one answer may still ask for. What is cached costs nothing. */
type CallBudget = {
  left(): number;
  /** Asks what takes at most `maxCalls` calls, and takes off what it took. */
  run<T>(maxCalls: number, ask: (call: CallOptions) => Promise<T>): Promise<T>;
};

function createCallBudget(calls: number, call: CallOptions): CallBudget {
  let left = calls;
  return {
    left: () => left,
    async run(maxCalls, ask) {
      let made = 0;
      let stale = 0;
      const counting: CallOptions = {
        ...call,
        onStale(use) {
          stale++;
          call.onStale?.(use);
        },
        onUpstreamCall(command) {
          made++;
          call.onUpstreamCall?.(command);
        },
      };
      try {
        return await ask(counting);
      } finally {
        // What is stale is renewed behind the answer, and that costs a call too.
        left -= Math.min(maxCalls, made + Math.ceil(stale / CHECKS_PER_CALL));
      }
    },
  };
}
