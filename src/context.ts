// What one request carries: its viewer, its loaders, its deadline, and what was read for it.
import type { Viewer } from './auth/viewer.ts';
import type { MaySee } from './auth/visibility.ts';
import type { StaleUse } from './cache/single-flight.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { createDeadline } from './deadline.ts';
import { GatewayError } from './errors.ts';
import type { CachedFollowService } from './follow/cached-follow-service.ts';
import { pageKey } from './follow/caches.ts';
import type { ChangeKind } from './follow/changes.ts';
import type { ChangeOutcome, FollowWriter } from './follow/follow-writer.ts';
import type { FindKnownFans, KnownFans } from './follow/known-fans.ts';
import type {
  FollowCounts,
  FollowList,
  FollowPage,
  FollowRelation,
  PageQuery,
  Profile,
  UserId,
} from './follow/model.ts';
import type { Names } from './follow/names.ts';
import type { CallOptions } from './follow/services.ts';
import type { FollowEvent, ProfileEvent, Subscriptions } from './follow/subscriptions.ts';
import type { SearchUsers } from './follow/user-search.ts';

/** What the graph has to know of the configuration. */
export type GraphSettings = Pick<
  Config,
  | 'maxPageSize'
  | 'chunkSize'
  | 'userIdPattern'
  | 'maxTargets'
  | 'maxUpstreamCalls'
  | 'maxValues'
  | 'knownFansMaxCalls'
  | 'searchMaxFans'
  | 'userSearch'
  | 'embeddedProfile'
  | 'cursorKey'
>;

export type Context = {
  readonly settings: GraphSettings;
  /** Null is anonymous. */
  readonly viewer: Viewer | null;
  /** Whether the viewer may see who is in a list of `owner`. */
  maySee(owner: UserId, list: FollowList): boolean;
  /** Reads what is asked for once an answer: at once when it is cached, else by a promise. */
  readonly load: {
    page(query: PageQuery): FollowPage | Promise<FollowPage>;
    counts(userId: UserId): FollowCounts | Promise<FollowCounts>;
    profile(userId: UserId): Profile | Promise<Profile>;
    /** How `from` stands to another user. */
    relation(from: UserId, to: UserId): FollowRelation | Promise<FollowRelation>;
    knownFans(viewerId: UserId, userId: UserId): Promise<KnownFans>;
    search(words: readonly string[], start: string): FollowPage | Promise<FollowPage>;
  };
  /** What members of lists are searched and sorted by. */
  readonly names: Names;
  /** Whether it is known, without asking, that there is no such account. */
  isKnownMissing(userId: UserId): boolean;
  /** Configured profile tags that the app does not have. */
  refusedTags(): readonly string[];
  /** Follows or unfollows in the viewer's name; goes on when the client goes away, so that nothing stays half done. */
  changeFollows(kind: ChangeKind, userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, ChangeOutcome>>;
  /** What happens, from now on or from a cursor on. Each event is answered like a request of its own. */
  readonly live: {
    followEvents(userId: UserId, after: string | null): AsyncIterable<FollowEvent>;
    profileEvents(userIds: readonly UserId[], after: string | null): AsyncIterable<ProfileEvent>;
  };
};

export type ContextDependencies = {
  cache: CachedFollowService;
  findKnownFans: FindKnownFans;
  names: Names;
  searchUsers: SearchUsers;
  writer: Pick<FollowWriter, 'change'>;
  live: Pick<Subscriptions, 'followEvents' | 'profileEvents'>;
  maySee: MaySee;
  settings: GraphSettings & Pick<Config, 'requestDeadlineMs'>;
  clock: Clock;
};

/** The request that a context is made for; it observes every upstream call, and everything that is read. */
export type ContextRequest = Pick<CallOptions, 'onRead'> & {
  /** Aborts when the client goes away. */
  disconnectSignal(): AbortSignal;
  viewer: Viewer | null;
  onUpstreamCall(command: string): void;
};

export type OpenContext = Context & {
  /** How old the oldest stale value of the answer is, and why it was used; null when nothing was stale. */
  staleness(): StaleUse | null;
  /** Whether a field has read the viewer, so that another viewer may have another answer. */
  dependsOnViewer(): boolean;
  /** To be called when the answer is out. */
  close(): void;
};

export type Contexts = { open(request: ContextRequest): OpenContext };

export function createContexts(dependencies: ContextDependencies): Contexts {
  const { cache, findKnownFans, writer, live, settings, clock } = dependencies;
  const deadlineMs = settings.requestDeadlineMs;

  function open(request: ContextRequest): OpenContext {
    const { viewer } = request;
    const maySee = (owner: UserId, list: FollowList) => dependencies.maySee(viewer, owner, list);
    const answers = new Map<string, unknown>();
    let staleness: StaleUse | null = null;
    let dependsOnViewer = false;
    let reads = beginReads();

    function beginReads() {
      const deadline = createDeadline(request.disconnectSignal(), deadlineMs, clock);
      let calls = 0;
      const call: CallOptions = {
        signal: deadline.signal,
        deadlineAt: deadline.at,
        onRead: request.onRead,
        onStale({ ageMs, failure }) {
          // A failure says more than a renewal that is on its way.
          staleness = { ageMs: Math.max(ageMs, staleness?.ageMs ?? 0), failure: failure ?? staleness?.failure ?? null };
        },
        onUpstreamCall(command) {
          if (++calls > settings.maxUpstreamCalls) deadline.giveUp(tooManyCalls(settings.maxUpstreamCalls));
          else request.onUpstreamCall(command);
        },
      };
      return { call, end: deadline.end };
    }

    /** What was read, or that it failed, stays so until the answers are cleared. A key is read in one place alone. */
    function once<T>(key: string, read: (call: CallOptions) => T): T {
      if (!answers.has(key)) answers.set(key, read(reads.call));
      return answers.get(key) as T;
    }

    function oneByOne<Event>(events: AsyncIterableIterator<Event>): AsyncIterableIterator<Event> {
      return {
        async next() {
          reads.end();
          const result = await events.next();
          answers.clear();
          staleness = null;
          reads = beginReads();
          return result;
        },
        async return() {
          reads.end();
          return (await events.return?.()) ?? { value: undefined, done: true };
        },
        [Symbol.asyncIterator]() {
          return this;
        },
      };
    }

    const expiresAt = viewer?.expiresAt ?? null;
    return {
      settings,
      get viewer() {
        dependsOnViewer = true;
        return viewer;
      },
      maySee,
      names: dependencies.names,
      load: {
        page: (query) => once(pageKey(query), (call) => cache.readPage(query, call)),
        counts: (userId) => once(`counts ${userId}`, (call) => cache.readCounts(userId, call)),
        profile: (userId) => once(`profile ${userId}`, (call) => cache.readProfile(userId, call)),
        relation: (from, to) => once(`relation ${from} ${to}`, (call) => cache.readRelation(from, to, call)),
        search: (words, start) =>
          once(`search ${JSON.stringify([words, start])}`, (call) => dependencies.searchUsers(words, start, call)),
        knownFans: (from, to) => once(`knownFans ${from} ${to}`, (call) => findKnownFans(from, to, call)),
      },
      isKnownMissing: (userId) => cache.isKnownMissing(userId, reads.call),
      refusedTags: cache.refusedTags,
      async changeFollows(kind, userIds) {
        if (!viewer) throw new GatewayError('UNAUTHENTICATED', 'Only a viewer can change who follows whom.');
        const untilDone = { ...reads.call, deadlineAt: clock.now() + deadlineMs, signal: new AbortController().signal };
        return writer.change(kind, viewer.userId, userIds, untilDone).finally(() => answers.clear());
      },
      live: {
        followEvents: (userId, after) =>
          oneByOne(live.followEvents(userId, { expiresAt, after, maySee: (list) => maySee(userId, list) })),
        profileEvents: (userIds, after) => oneByOne(live.profileEvents(userIds, { expiresAt, after })),
      },
      staleness: () => staleness,
      dependsOnViewer: () => dependsOnViewer,
      close: () => reads.end(),
    };
  }

  return { open };
}

const tooManyCalls = (max: number) =>
  new GatewayError(
    'OPERATION_TOO_EXPENSIVE',
    `The operation takes more than ${max} calls to the upstream. Ask for less.`,
  );
