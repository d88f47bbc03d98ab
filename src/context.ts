// What one request carries through the house: its loaders, its patience, and its bill.
import type { KeyObject } from 'node:crypto';
import type { Viewer } from './auth/viewer.ts';
import type { MaySee } from './auth/visibility.ts';
import type { CacheRead, StaleUse } from './cache/single-flight.ts';
import type { Clock } from './clock.ts';
import { GatewayError } from './errors.ts';
import type { CachedFollowService } from './follow/cached-follow-service.ts';
import { pageKey } from './follow/caches.ts';
import { Call } from './follow/call.ts';
import type { ChangeKind } from './follow/changes.ts';
import type { ChangeOutcome, FollowWriter } from './follow/follow-writer.ts';
import type { FindKnownFans } from './follow/known-fans.ts';
import { createLoaders, type Loaders } from './follow/loaders.ts';
import type { FollowList, FollowPage, PageQuery, UserId } from './follow/model.ts';
import { RequestMemo } from './follow/request-memo.ts';
import type { FollowEvent, ProfileEvent, Subscriptions } from './follow/subscriptions.ts';
import { createPatience } from './patience.ts';

/** What the graph has to know of the configuration. */
export type GraphSettings = {
  /** Largest `first`. */
  maxPageSize: number;
  /** Upstream page size that client pages are cut from. */
  chunkSize: number;
  /** Which ids can be a UserID at all (contract 1.8). */
  userIdPattern: RegExp;
  /** Authenticates item cursors; the same on all replicas. */
  cursorKey: KeyObject;
  /** The most users that one mutation takes. */
  maxTargets: number;
};

export type Context = {
  readonly settings: GraphSettings;
  /** Who asks; null is anonymous. */
  readonly viewer: Viewer | null;
  /** Whether the viewer may see who is in a list of `owner`. */
  maySee(owner: UserId, list: FollowList): boolean;
  readonly load: Pick<Loaders, 'counts' | 'profile' | 'relation' | 'knownFans'>;
  /** Reads one upstream page of a list: at once when it is remembered, else by a promise. */
  readPage(query: PageQuery): FollowPage | Promise<FollowPage>;
  /** Whether it is known, without asking, that there is no such account. */
  isKnownMissing(userId: UserId): boolean;
  /** Configured profile tags that the app does not have, as far as that is known. */
  refusedTags(): readonly string[];
  /** Follows or unfollows in the viewer's name; goes on when the client goes away, so that nothing stays half done. */
  changeFollows(kind: ChangeKind, userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, ChangeOutcome>>;
  /** What happens, from now on or from a cursor on. Each event is answered with new loaders and new patience. */
  readonly live: {
    followEvents(userId: UserId, after: string | null): AsyncIterable<FollowEvent>;
    profileEvents(userIds: readonly UserId[], after: string | null): AsyncIterable<ProfileEvent>;
  };
};

/** How old the oldest stale value of an answer is, and why it was used. */
export type Staleness = StaleUse;

export type ContextDependencies = {
  memory: CachedFollowService;
  findKnownFans: FindKnownFans;
  writer: Pick<FollowWriter, 'change'>;
  live: Pick<Subscriptions, 'followEvents' | 'profileEvents'>;
  maySee: MaySee;
  settings: GraphSettings;
  clock: Clock;
  /** How long one client request may take, in milliseconds. */
  deadlineMs: number;
};

/** The request that a context is made for. */
export type ContextRequest = {
  /** What aborts when the client goes away; asked for when something has to be waited for. */
  gone(): AbortSignal;
  viewer: Viewer | null;
  /** Told of every upstream call that is made for this request. */
  onUpstreamCall(command: string): void;
  /** Told of everything that is read for it. */
  onRead?: ((read: CacheRead) => void) | undefined;
};

/** A request on its way through the house. */
export type OpenContext = Context & {
  /** What was stale in the answer so far; null when nothing was. */
  staleness(): Staleness | null;
  /** To be called when the answer is out. */
  close(): void;
};

/** Makes contexts, one for each request. */
export function createContexts(dependencies: ContextDependencies) {
  const { memory, findKnownFans } = dependencies;
  const house: House = { ...dependencies, everything: { ...memory, findKnownFans } };
  return {
    open: (request: ContextRequest): OpenContext => new RequestContext(house, request),
  };
}

type House = ContextDependencies & { readonly everything: CachedFollowService & { findKnownFans: FindKnownFans } };

/** A class, whose methods are made once: a warm answer needs few of them, and would make two dozen functions. */
class RequestContext implements OpenContext {
  readonly settings: GraphSettings;
  readonly viewer: Viewer | null;
  readonly #house: House;
  readonly #request: ContextRequest;
  readonly #sources: House['everything'];
  readonly #pages = new RequestMemo<FollowPage | Promise<FollowPage>>();
  readonly #missing = new RequestMemo<boolean>();
  #call: Call;
  #loaders: Loaders | undefined;
  #oldest: Staleness | null = null;

  constructor(house: House, request: ContextRequest) {
    this.#house = house;
    this.#request = request;
    this.settings = house.settings;
    this.viewer = request.viewer;
    this.#sources = house.everything;
    this.#call = this.#beginCall();
  }

  maySee(owner: UserId, list: FollowList): boolean {
    return this.#house.maySee(this.viewer, owner, list);
  }

  /** Made when the first field asks: most screens need none. */
  get load(): Loaders {
    this.#loaders ??= createLoaders(this.#sources, () => this.#call);
    return this.#loaders;
  }

  readPage(query: PageQuery): FollowPage | Promise<FollowPage> {
    return this.#pages.ask(pageKey(query), () => this.#sources.readPage(query, this.#call));
  }

  isKnownMissing(userId: UserId): boolean {
    return this.#missing.ask(userId, () => this.#sources.isKnownMissing(userId, this.#call));
  }

  refusedTags(): readonly string[] {
    return this.#sources.refusedTags();
  }

  async changeFollows(kind: ChangeKind, userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, ChangeOutcome>> {
    if (!this.viewer) throw new GatewayError('UNAUTHENTICATED', 'Only a viewer can follow or unfollow.');
    const untilDone = { ...this.#beginCall(), signal: new AbortController().signal };
    try {
      return await this.#house.writer.change(kind, this.viewer.userId, userIds, untilDone);
    } finally {
      this.#renew();
    }
  }

  get live(): Context['live'] {
    const { live, maySee } = this.#house;
    const { viewer } = this.#request;
    const expiresAt = viewer?.expiresAt ?? null;
    return {
      followEvents: (userId, after) =>
        this.#answeredOneByOne(
          live.followEvents(userId, {
            after,
            expiresAt,
            maySee: (list) => maySee(viewer, userId, list),
          }),
        ),
      profileEvents: (userIds, after) => this.#answeredOneByOne(live.profileEvents(userIds, { after, expiresAt })),
    };
  }

  staleness(): Staleness | null {
    return this.#oldest;
  }

  close(): void {
    this.#call.end();
  }

  /** What was read before must not answer for what comes after. */
  #renew(): void {
    this.#loaders?.renew();
    this.#pages.clear();
    this.#missing.clear();
  }

  #beginCall(): Call {
    const { clock, deadlineMs } = this.#house;
    const { gone, onUpstreamCall, onRead } = this.#request;
    return new Call({
      deadlineAt: clock.now() + deadlineMs,
      onUpstreamCall,
      onRead,
      onStale: (use) => this.#noteStale(use),
      beginToWait: () => createPatience(gone(), deadlineMs, clock),
    });
  }

  #noteStale(use: StaleUse): void {
    // A failure says more than a renewal that is on its way.
    const failure = use.failure ?? this.#oldest?.failure ?? null;
    this.#oldest = { ageMs: Math.max(use.ageMs, this.#oldest?.ageMs ?? 0), failure };
  }

  /** Has every event answered like a request of its own: with nothing read before it, and with new patience. */
  #answeredOneByOne<Event>(events: AsyncIterableIterator<Event>): AsyncIterableIterator<Event> {
    return {
      next: async () => {
        this.#call.end();
        const result = await events.next();
        this.#call = this.#beginCall();
        this.#renew();
        this.#oldest = null;
        return result;
      },
      return: async () => {
        this.#call.end();
        return (await events.return?.()) ?? { value: undefined, done: true };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
}
