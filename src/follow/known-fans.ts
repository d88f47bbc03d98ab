// Those of a user's fans whom the viewer follows: "followed by someone you know and 3 others". Two lists meet: the
// viewer's follows, at most a few thousand, and the user's fans, of whom there may be millions.
import { GatewayError, outcomeOf } from '../errors.ts';
import type { CachedFollowService } from './cached-follow-service.ts';
import { isFan } from './changes.ts';
import { type FollowEntry, type FollowList, type FollowPage, PER_CALL, type UserId } from './model.ts';
import { MAX_FOLLOWS, readPages } from './select-members.ts';
import { type CallOptions, valueOrNull } from './services.ts';
import { MAX_PAGE_SIZE } from './walk.ts';

export type KnownFans = {
  /** In the order of the viewer's follows. */
  readonly members: readonly FollowEntry[];
  /** False when there may be more: finding them all would take too many upstream calls. */
  readonly exact: boolean;
};

/** `maxCalls`: the most upstream calls that one answer may ask for; what the client tries again is not counted. */
export function createKnownFans(service: CachedFollowService, { maxCalls }: { maxCalls: number }) {
  /** Finds the known fans of `userId`, as far as the calls suffice. Rejects when nothing at all could be found out. */
  return async (viewerId: UserId, userId: UserId, call: CallOptions): Promise<KnownFans> => {
    const calls = createCalls(service, maxCalls, call);
    const follows = new Map<UserId, FollowEntry>();
    // One call, where there is another, is left to find out who of them is a fan.
    const reserve = Math.max(1, calls.left() - MAX_FOLLOWS / MAX_PAGE_SIZE);
    const end = await calls.walk(viewerId, 'follows', ({ entries }) => {
      for (const entry of entries) if (!follows.has(entry.user.id)) follows.set(entry.user.id, entry);
      return follows.size < MAX_FOLLOWS && calls.left() > reserve;
    });
    if (end.pages === 0) throw end.failure;
    const undecided = new Set(follows.keys());
    // No user is their own fan.
    undecided.delete(userId);
    const found = await findFans(calls, userId, undecided);
    const members = Array.from(follows.values()).filter(({ user }) => found.has(user.id));
    const exact = end.isEnd && undecided.size === 0;
    // Asked again it gets further, so an answer that shows it is fresh for no time.
    if (!exact) call.onRead?.({ group: `knownFans ${viewerId} ${userId}`, sequence: 0, freshUntil: 0 });
    return { members, exact };
  };
}

/** Takes out of `undecided` each user whose relation to `userId` becomes known; answers those who are fans. */
async function findFans(calls: Calls, userId: UserId, undecided: Set<UserId>): Promise<Set<UserId>> {
  const found = new Set<UserId>();
  const checks = () => Math.ceil(undecided.size / PER_CALL.relations);
  let failure: GatewayError | null = null;
  let isAnswered = undecided.size === 0;

  const pages = await planPages(calls, userId, checks());
  if (pages > 0 && calls.left() > 0) {
    let read = 0;
    const end = await calls.walk(userId, 'fans', ({ entries }) => {
      for (const { user } of entries) if (undecided.delete(user.id)) found.add(user.id);
      read++;
      // More pages than planned, since they come short: from here on checks may do what the rest of the list would not.
      const isOverrun = read >= pages && checks() <= calls.left();
      return undecided.size > 0 && calls.left() > 0 && !isOverrun;
    });
    if (end.isEnd) undecided.clear();
    if (end.failure?.code === 'USER_NOT_FOUND') throw end.failure;
    isAnswered = end.pages > 0;
    failure = end.failure;
  }
  for (const ids = [...undecided]; ids.length > 0 && calls.left() > 0; ) {
    for (const [id, relation] of await calls.check(userId, ids.splice(0, calls.left() * PER_CALL.relations))) {
      if (relation instanceof GatewayError && relation.code !== 'USER_NOT_FOUND') {
        failure = relation;
        continue;
      }
      isAnswered = true;
      undecided.delete(id);
      if (isFan(valueOrNull(relation))) found.add(id);
    }
  }
  if (failure && !isAnswered) {
    // A check does not say whether it was the user whom the upstream does not know; counts do.
    if (failure.code === 'BAD_USER_INPUT' && calls.left() > 0) await calls.countFans(userId);
    throw failure;
  }
  return found;
}

/** How many pages of fans are worth reading where `checks` calls would do; 0: to check is cheaper, or covers more. */
async function planPages(calls: Calls, userId: UserId, checks: number): Promise<number> {
  // With as many calls left as it takes to check them all, none is to be spent on a plan.
  if (checks <= 1 || checks === calls.left()) return 0;
  const fans = calls.left() > 1 ? await calls.countFans(userId) : null;
  // Most users have few fans, so one page is worth a try where checks cannot do.
  if (fans === null) return checks <= calls.left() ? 0 : 1;
  const pages = Math.max(1, Math.ceil(fans / MAX_PAGE_SIZE));
  // Pages are shared by all viewers, checks by none.
  return pages <= checks ? pages : 0;
}

type Calls = ReturnType<typeof createCalls>;

/** Asks for what one answer needs, and counts the calls. A cached value costs nothing. */
function createCalls(service: CachedFollowService, maxCalls: number, call: CallOptions) {
  let left = maxCalls;

  /** Asks what takes at most `max` calls, and takes off what it took. */
  async function run<T>(max: number, ask: (call: CallOptions) => T | Promise<T>): Promise<T> {
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
      // A stale value is renewed behind the answer, and that costs a call too.
      left -= Math.min(max, made + Math.ceil(stale / PER_CALL.relations));
    }
  }

  return {
    left: () => left,

    /** Reads a list by large pages as long as `take` wants more; says how far it got. */
    async walk(userId: UserId, list: FollowList, take: (page: FollowPage) => boolean) {
      let [pages, isEnd] = [0, false];
      const readPage = (start: string, size: number) =>
        run(1, (call) => service.readPage({ userId, list, start, size }, call));
      const failure = await outcomeOf(async () => {
        for await (const page of readPages<FollowEntry>(readPage)) {
          pages++;
          isEnd = page.next === '';
          if (!take(page)) break;
        }
        return null;
      });
      return { pages, isEnd, failure };
    },

    /** How `from` stands to each of the others. */
    check(from: UserId, others: readonly UserId[]) {
      const ask = async (to: UserId, call: CallOptions) =>
        [to, await outcomeOf(() => service.readRelation(from, to, call))] as const;
      const max = Math.ceil(others.length / PER_CALL.relations);
      return run(max, (call) => Promise.all(others.map((to) => ask(to, call))));
    },

    async countFans(userId: UserId): Promise<number | null> {
      const counts = await outcomeOf(() => run(1, (call) => service.readCounts(userId, call)));
      if (counts instanceof GatewayError && counts.code === 'USER_NOT_FOUND') throw counts;
      return valueOrNull(counts)?.fans ?? null;
    },
  };
}
