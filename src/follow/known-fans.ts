// Those of a user's fans whom somebody follows: "followed by someone you know and 3 others". Two lists meet: the viewer's
// follows, at most a few thousand, and the user's fans, of whom there may be millions.
import { GatewayError } from '../errors.ts';
import type { CachedFollowService } from './cached-follow-service.ts';
import type { FollowEntry, FollowList, FollowPage, UserId } from './model.ts';
import type { CallOptions } from './services.ts';

export type KnownFans = {
  /** In the order of the follows of whoever knows them. */
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

type Memory = Pick<CachedFollowService, 'readPage' | 'readCounts' | 'readRelations'>;

/** The upstream's largest page (contract 4.1), also its most economical one: every other reader of whole lists shares it. */
const PAGE_SIZE = 1000;
/** How many relations one call tells (contract 4.4). */
const CHECKS_PER_CALL = 100;
/** Nobody follows more people (contract U18), */
const MOST_FOLLOWS = 5000;
/** so that reading them takes no more calls than this. */
const FOLLOWS_CALLS = 5;

export function createKnownFans(memory: Memory, { maxCalls }: KnownFansOptions): FindKnownFans {
  return async (viewerId, userId, call) => {
    const purse = createPurse(maxCalls, call);
    const follows = await readFollows(memory, viewerId, purse);
    const undecided = new Set(follows.members.keys());
    // Nobody is their own fan.
    undecided.delete(userId);
    const found = await findFans(memory, userId, undecided, purse);
    const members = Array.from(follows.members.values()).filter(({ user }) => found.has(user.id));
    return { members, exact: follows.isWhole && undecided.size === 0 };
  };
}

/** Whom the viewer follows, newest first. Leaves one call, where there is another, to find out who of them is a fan. */
async function readFollows(memory: Memory, viewerId: UserId, purse: Purse) {
  const members = new Map<UserId, FollowEntry>();
  const reserve = Math.max(1, purse.left() - FOLLOWS_CALLS);
  const end = await walk(memory, viewerId, 'follows', purse, ({ entries }) => {
    for (const entry of entries) if (!members.has(entry.user.id)) members.set(entry.user.id, entry);
    return members.size < MOST_FOLLOWS && purse.left() > reserve;
  });
  if (end.pages === 0) throw end.failure;
  return { members, isWhole: end.isEnd };
}

/** Takes everybody out of `undecided` of whom it is certain whether they are a fan of `userId`, and answers who is. */
async function findFans(memory: Memory, userId: UserId, undecided: Set<UserId>, purse: Purse): Promise<Set<UserId>> {
  const found = new Set<UserId>();
  const checks = () => Math.ceil(undecided.size / CHECKS_PER_CALL);
  let failure: GatewayError | null = null;
  let isAnswered = undecided.size === 0;

  const pages = await planPages();
  if (pages > 0 && undecided.size > 0 && purse.left() > 0) {
    let read = 0;
    const end = await walk(memory, userId, 'fans', purse, ({ entries }) => {
      for (const { user } of entries) if (undecided.delete(user.id)) found.add(user.id);
      read++;
      // More pages than planned, since they come short: from here on checks may do what the rest of the list would not.
      const isOverrun = read >= pages && checks() <= purse.left();
      return undecided.size > 0 && purse.left() > 0 && !isOverrun;
    });
    if (end.isEnd) undecided.clear();
    if (end.failure?.code === 'USER_NOT_FOUND') throw end.failure;
    isAnswered = end.pages > 0;
    failure = end.failure;
  }
  for (const ids = [...undecided]; ids.length > 0 && purse.left() > 0; ) {
    const some = ids.splice(0, purse.left() * CHECKS_PER_CALL);
    const calls = Math.ceil(some.length / CHECKS_PER_CALL);
    for (const [id, relation] of await purse.spend(calls, (call) => memory.readRelations(userId, some, call))) {
      if (relation instanceof GatewayError && relation.code !== 'USER_NOT_FOUND') {
        failure = relation;
        continue;
      }
      isAnswered = true;
      undecided.delete(id);
      if (relation === 'FAN' || relation === 'MUTUAL') found.add(id);
    }
  }
  if (failure && !isAnswered) {
    // A check does not say whether it was the user whom the upstream does not know; counts do.
    if (failure.code === 'BAD_USER_INPUT' && purse.left() > 0) await countFans();
    throw failure;
  }
  return found;

  /** How many pages of fans are worth reading; 0: to check the follows is cheaper, and covers more if it is too much. */
  async function planPages(): Promise<number> {
    // With as many calls left as it takes to check them all, none is to be spent on a plan.
    if (checks() <= 1 || checks() === purse.left()) return 0;
    const fans = purse.left() > 1 ? await countFans() : null;
    // Most users have few fans, so one page is worth a try where checks cannot do.
    if (fans === null) return checks() <= purse.left() ? 0 : 1;
    const pages = Math.max(1, Math.ceil(fans / PAGE_SIZE));
    // Pages are shared by all viewers, checks by none.
    return pages <= checks() ? pages : 0;
  }

  async function countFans(): Promise<number | null> {
    const counts = await purse.spend(1, (call) => memory.readCounts([userId], call));
    const ours = counts.get(userId);
    if (ours instanceof GatewayError && ours.code === 'USER_NOT_FOUND') throw ours;
    return ours === undefined || ours instanceof GatewayError ? null : ours.fans;
  }
}

/** How far a walk got: a page that fails ends it, and so does a cursor that leads back. */
type End = { pages: number; isEnd: boolean; failure: GatewayError | null };

/** Reads a list from its head, by large pages, as long as `takes` wants more. */
async function walk(
  memory: Memory,
  userId: UserId,
  list: FollowList,
  purse: Purse,
  takes: (page: FollowPage) => boolean,
): Promise<End> {
  const visited = new Set<string>();
  for (let start = ''; !visited.has(start); ) {
    visited.add(start);
    const pages = visited.size;
    try {
      const query = { userId, list, start, size: PAGE_SIZE };
      const page = await purse.spend(1, async (call) => memory.readPage(query, call));
      const wantsMore = takes(page);
      if (page.next === '' || !wantsMore) return { pages, isEnd: page.next === '', failure: null };
      start = page.next;
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return { pages: pages - 1, isEnd: false, failure: error };
    }
  }
  return { pages: visited.size, isEnd: false, failure: null };
}

/** The calls that one answer may still ask for. What is remembered costs nothing. */
type Purse = {
  left(): number;
  /** Asks what takes at most `calls` calls, and takes off what it took. */
  spend<T>(calls: number, ask: (call: CallOptions) => Promise<T>): Promise<T>;
};

function createPurse(calls: number, call: CallOptions): Purse {
  let left = calls;
  return {
    left: () => left,
    async spend(most, ask) {
      let made = 0;
      let stale = 0;
      const counting: CallOptions = {
        // Made on first use, which a warm answer has not.
        get signal() {
          return call.signal;
        },
        deadlineAt: call.deadlineAt,
        priority: call.priority,
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
        left -= Math.min(most, made + Math.ceil(stale / CHECKS_PER_CALL));
      }
    },
  };
}
