// What one request carries through the house: its loaders, its patience, and its bill.
import type { KeyObject } from 'node:crypto';
import type { Viewer } from './auth/viewer.ts';
import type { MaySee } from './auth/visibility.ts';
import type { StaleUse } from './cache/single-flight.ts';
import type { Clock } from './clock.ts';
import { GatewayError } from './errors.ts';
import { Call } from './follow/call.ts';
import type { ChangeKind } from './follow/changes.ts';
import { laterCursor } from './follow/events.ts';
import type { ChangeOutcome, FollowWriter } from './follow/follow-writer.ts';
import { pageKey } from './follow/kinds.ts';
import type { FindKnownFans } from './follow/known-fans.ts';
import type { FollowEvent, Live, ProfileEvent } from './follow/live.ts';
import { createLoaders, type Loaders } from './follow/loaders.ts';
import type { FollowMemory } from './follow/memory.ts';
import type { FollowList, FollowPage, PageQuery, UserId } from './follow/model.ts';
import { createOnce } from './follow/once.ts';
import { type Recording, recorded, recordedSight, type Sources } from './follow/recording.ts';
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
  readonly load: Omit<Loaders, 'renew'>;
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
  memory: FollowMemory;
  findKnownFans: FindKnownFans;
  writer: Pick<FollowWriter, 'change'>;
  live: Pick<Live, 'followEvents' | 'profileEvents'>;
  maySee: MaySee;
  settings: GraphSettings;
  clock: Clock;
  /** How long one client request may take, in milliseconds. */
  deadlineMs: number;
};

/** The request that a context is made for. */
export type ContextRequest = {
  /** Notes what the answer is made from. */
  recording?: Recording | null;
  /** What aborts when the client goes away; asked for when something has to be waited for. */
  gone(): AbortSignal;
  viewer: Viewer | null;
  /** The cursor of the last event that the client has read, when it says so beside its operation. */
  resumeAfter?: string | null;
  /** Told of every upstream call that is made for this request. */
  onUpstreamCall(command: string): void;
  /** Told until when (epoch milliseconds) each value that is read for it is fresh. */
  onFresh?: ((until: number) => void) | undefined;
};

/** A request on its way through the house. */
export type OpenContext = {
  context: Context;
  /** What was stale in the answer so far; null when nothing was. */
  staleness(): Staleness | null;
  /** To be called when the answer is out. */
  close(): void;
};

/** Makes contexts, one for each request. */
export function createContexts(dependencies: ContextDependencies) {
  const { memory, findKnownFans, writer, live, maySee, settings, clock, deadlineMs } = dependencies;
  const everything = { ...memory, findKnownFans };
  return {
    /** What answers at once, to somebody who is not logged in. */
    sources: {
      now: memory.now,
      isKnownMissing: memory.isKnownMissing,
      maySee: (owner, list) => maySee(null, owner, list),
    } satisfies Sources,

    open(request: ContextRequest): OpenContext {
      const { gone, viewer, resumeAfter = null, onUpstreamCall, onFresh, recording } = request;
      const see = (owner: UserId, list: FollowList) => maySee(viewer, owner, list);
      const nobodySees = viewer === null ? see : (owner: UserId, list: FollowList) => maySee(null, owner, list);
      const sources = recording ? recorded(everything, recording) : everything;
      let patience = createPatience(gone, deadlineMs, clock);
      let call = beginCall();
      let oldest: Staleness | null = null;
      const pages = createOnce<FollowPage | Promise<FollowPage>>();
      const missing = createOnce<boolean>();
      let loaders: Loaders | undefined;
      const expiresAt = viewer?.expiresAt ?? null;

      // A plain object that never changes, since Yoga hands on a copy of it.
      const context: Context = {
        settings,
        viewer,
        load: {
          counts: (userId) => loadersNow().counts(userId),
          profile: (userId) => loadersNow().profile(userId),
          relation: (from, to) => loadersNow().relation(from, to),
          knownFans: (viewerId, userId) => loadersNow().knownFans(viewerId, userId),
        },
        maySee: recording ? recordedSight(see, nobodySees, recording) : see,
        readPage: (query) => pages.ask(pageKey(query), () => sources.readPage(query, call)),
        isKnownMissing: (userId) =>
          missing.ask(userId, () => {
            const isMissing = sources.isKnownMissing(userId);
            if (isMissing) onFresh?.(clock.now());
            return isMissing;
          }),
        refusedTags: sources.refusedTags,
        async changeFollows(kind, userIds) {
          if (!viewer) throw new GatewayError('UNAUTHENTICATED', 'Only a viewer can follow or unfollow.');
          const untilDone = { ...beginCall(), signal: new AbortController().signal };
          try {
            return await writer.change(kind, viewer.userId, userIds, untilDone);
          } finally {
            renew();
          }
        },
        live: {
          followEvents: (userId, after) =>
            answeredOneByOne(
              live.followEvents(userId, {
                after: laterCursor(after, resumeAfter),
                expiresAt,
                maySee: (list) => maySee(viewer, userId, list),
              }),
            ),
          profileEvents: (userIds, after) =>
            answeredOneByOne(live.profileEvents(userIds, { after: laterCursor(after, resumeAfter), expiresAt })),
        },
      };
      return { context, staleness: () => oldest, close: () => patience.end() };

      /** Made when the first field asks: most screens need none. */
      function loadersNow(): Loaders {
        loaders ??= createLoaders(sources, () => call);
        return loaders;
      }

      /** What was read before must not answer for what comes after. */
      function renew(): void {
        loaders?.renew();
        pages.clear();
        missing.clear();
      }

      function beginCall(): Call {
        return new Call({ deadlineAt: clock.now() + deadlineMs, onUpstreamCall, onFresh, onStale }, patience.signal);
      }

      function onStale(use: StaleUse): void {
        // A failure says more than a renewal that is on its way.
        const failure = use.failure ?? oldest?.failure ?? null;
        oldest = { ageMs: Math.max(use.ageMs, oldest?.ageMs ?? 0), failure };
      }

      /** Has every event answered like a request of its own: with nothing read before it, and with new patience. */
      function answeredOneByOne<Event>(events: AsyncIterableIterator<Event>): AsyncIterableIterator<Event> {
        return {
          async next() {
            patience.end();
            const result = await events.next();
            patience = createPatience(gone, deadlineMs, clock);
            call = beginCall();
            renew();
            oldest = null;
            return result;
          },
          async return() {
            patience.end();
            return (await events.return?.()) ?? { value: undefined, done: true };
          },
          [Symbol.asyncIterator]() {
            return this;
          },
        };
      }
    },
  };
}
