// One cell of the table: the reference mix at one rate and freshness, answered in one way.
import { createSecretKey } from 'node:crypto';
import type { GraphQLResolveInfo } from 'graphql';
import { parse } from 'graphql';
import type { Lifetimes } from '../../../src/cache/read-through.ts';
import { type Context, createContexts } from '../../../src/context.ts';
import { withInvalidation } from '../../../src/follow/cached-follow-service.ts';
import type { Kind } from '../../../src/follow/kinds.ts';
import { createLoaders } from '../../../src/follow/loaders.ts';
import { createFollowMemory } from '../../../src/follow/memory.ts';
import type { CallOptions } from '../../../src/follow/services.ts';
import { type FollowConnection, readConnection } from '../../../src/graph/connection.ts';
import { encodeCursor } from '../../../src/graph/item-cursor.ts';
import { createRandom } from '../../../src/sandbox/people.ts';
import { createEventClock, type EventClock } from './event-clock.ts';
import { createMix, indexOfPage, type Query } from './mix.ts';
import { billOfPerfectCache } from './perfect-cache.ts';
import { createRedisStandIn } from './redis-stand-in.ts';
import { type Bill, createUpstream, emptyBill, type Upstream } from './upstream.ts';
import { memberOf, PAGE, startAt, userOf } from './world.ts';

export type Freshness = { otherMs: number; profileMs: number };
export type Way = 'nothing' | 'loaders' | 'model' | { replicas: number };
export type Cell = { seed: number; perSecond: number; seconds: number; freshMs: number; way: Way };
export type CellResult = { queries: number; bill: Bill };

const START = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
const CHUNK = 100;
/** The default of `CACHE_MEMORY_MB`. */
const MEMORY_BYTES = 64 * 1024 * 1024;
const DEADLINE_MS = 10_000;

const settings = {
  maxPageSize: 100,
  chunkSize: CHUNK,
  userIdPattern: /^\w+$/,
  cursorKey: createSecretKey(Buffer.alloc(32)),
  maxTargets: 100,
};
/** What a resolver is told of `fans { edges { cursor } }`. */
const INFO = selecting('{ fans { edges { cursor } pageInfo { endCursor } } }');

export async function runCell(cell: Cell): Promise<CellResult> {
  const { way } = cell;
  // Every request that ends makes an abort reason, whose stack nobody reads here.
  Error.stackTraceLimit = 0;
  if (way === 'nothing') return countWithoutAnything(cell);
  if (way === 'loaders') return runLoaders(cell);
  if (way === 'model') return runModel(cell);
  return runGateways(cell, way.replicas);
}

/** Every field asks for itself: a header once for the profile and three times for the counts, a list for its page. */
function countWithoutAnything(cell: Cell): CellResult {
  const bill = emptyBill();
  let queries = 0;
  for (const { screen } of queriesOf(cell)) {
    queries++;
    bill.portrait_get += screen === 'header' ? 1 : 0;
    bill.follow_get_info += screen === 'header' ? 3 : 0;
    bill.follow_get += screen === 'list' ? 1 : 0;
  }
  return { queries, bill };
}

function runModel(cell: Cell): CellResult {
  const queries = Array.from(queriesOf(cell));
  return { queries: queries.length, bill: billOfPerfectCache(queries, { otherMs: cell.freshMs, profileMs: HOUR }) };
}

const unasked = () => Promise.reject(new Error('This mix does not ask for it.'));

/** Per request one loader of each kind, and nothing remembered; a list's page is asked for by the upstream's cursor. */
function runLoaders(cell: Cell): Promise<CellResult> {
  const clock = createEventClock(START);
  const upstream = createUpstream(clock);
  const call: CallOptions = { signal: new AbortController().signal, deadlineAt: Number.POSITIVE_INFINITY };
  const nothing = () => undefined;
  const now = { counts: nothing, profile: nothing, relation: nothing };
  const sources = { ...upstream.follow, ...upstream.profiles, now, findKnownFans: unasked };
  return run(cell, clock, upstream, async (query) => {
    const userId = userOf(query.rank);
    if (query.screen === 'header')
      return readHeader(
        userId,
        createLoaders(sources, () => call),
      );
    const start = startAt(indexOfPage(query.page));
    await upstream.follow.readPage({ userId, list: query.list, start, size: PAGE }, call);
  });
}

function runGateways(cell: Cell, replicas: number): Promise<CellResult> {
  const clock = createEventClock(START);
  const upstream = createUpstream(clock);
  const random = createRandom(cell.seed + 1);
  const redis = createRedisStandIn(clock);
  const short: Lifetimes = { freshMs: cell.freshMs, toldMs: cell.freshMs, usableMs: HOUR, absentMs: 30_000 };
  const lifetimes: Record<Kind, Lifetimes> = {
    page: short,
    counts: short,
    relation: short,
    profile: { freshMs: HOUR, toldMs: HOUR, usableMs: 24 * HOUR, absentMs: 30_000 },
  };
  const gateways = Array.from({ length: replicas }, () => {
    const memory = createFollowMemory({
      ...upstream,
      clock,
      lifetimes,
      memoryBytes: MEMORY_BYTES,
      redis: { link: redis.connect(), prefix: 'economy' },
      random,
    });
    const never = () => {
      throw new Error('This mix does not ask for it.');
    };
    const unasked = async () => never();
    return createContexts({
      memory: withInvalidation(memory),
      writer: { change: unasked },
      findKnownFans: unasked,
      live: { followEvents: never, profileEvents: never },
      maySee: () => true,
      settings,
      clock,
      deadlineMs: DEADLINE_MS,
    });
  });
  const gone = () => new AbortController().signal;

  return run(cell, clock, upstream, async (query) => {
    const gateway = gateways[Math.floor(random() * replicas)] as (typeof gateways)[number];
    const context = gateway.open({ gone, viewer: null, onUpstreamCall() {} });
    try {
      if (query.screen === 'header') await readHeader(userOf(query.rank), context.load);
      else checkPage(query, await readList(query, context));
    } finally {
      context.close();
    }
  });
}

/** As the resolvers of `nick`, `fansCount`, `followsCount` and `mutualsCount` ask. */
async function readHeader(userId: string, load: Context['load']): Promise<void> {
  await Promise.all([load.profile(userId), load.counts(userId), load.counts(userId), load.counts(userId)]);
}

type ListQuery = Extract<Query, { screen: 'list' }>;

function readList({ rank, list, page }: ListQuery, context: Context): FollowConnection | Promise<FollowConnection> {
  const userId = userOf(rank);
  const after = page === 1 ? null : endCursorOf(rank, list, page - 1);
  return readConnection(userId, list, { first: PAGE, after }, context, INFO);
}

const endCursors = new Map<string, string>();

/** The cursor that a client has from the page before. */
function endCursorOf(rank: number, list: ListQuery['list'], page: number): string {
  const name = `${rank} ${list} ${page}`;
  const cursor = endCursors.get(name) ?? writeEndCursor(rank, list, page);
  endCursors.set(name, cursor);
  return cursor;
}

function writeEndCursor(rank: number, list: ListQuery['list'], page: number): string {
  const last = indexOfPage(page + 1) - 1;
  const { user, followedAt } = memberOf(rank, list, last);
  const [start, index] = [startAt(last - (last % CHUNK)), last % CHUNK];
  const place = { start, size: CHUNK, index, userId: user.id, followedAt };
  return encodeCursor(settings.cursorKey, { userId: userOf(rank), list }, place);
}

/** A saving that gives the wrong answer is none. */
function checkPage({ rank, list, page }: ListQuery, { edges }: FollowConnection): void {
  const first = memberOf(rank, list, indexOfPage(page));
  if (edges[0]?.user.id !== first.user.id) throw new Error(`Page ${page} of ${list} of ${userOf(rank)} is wrong.`);
}

async function run(
  cell: Cell,
  clock: EventClock,
  { bill }: Upstream,
  answer: (query: Query) => Promise<void>,
): Promise<CellResult> {
  let queries = 0;
  let failure: unknown = null;
  const coming = queriesOf(cell);
  const arrive = (query: Query | undefined) => {
    if (!query) return;
    clock.at(START + query.at, () => {
      queries++;
      answer(query).catch((error) => {
        failure ??= error;
      });
      arrive(coming.next().value);
    });
  };
  arrive(coming.next().value);
  await clock.runTo(START + cell.seconds * 1000);
  if (failure !== null) throw failure;
  return { queries, bill };
}

function* queriesOf({ seed, perSecond, seconds }: Cell): Generator<Query, undefined> {
  for (const query of createMix(seed, perSecond)) {
    if (query.at >= seconds * 1000) return;
    yield query;
  }
}

function selecting(text: string): GraphQLResolveInfo {
  const [operation] = parse(text).definitions;
  const fieldNodes = operation?.kind === 'OperationDefinition' ? operation.selectionSet.selections : [];
  // Of all that a resolver is told, the connection looks at these two alone.
  return { fieldNodes, fragments: {} } as unknown as GraphQLResolveInfo;
}
