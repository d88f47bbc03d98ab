// What one request carries: its viewer, its loaders, its deadline, and what was read for it.
import type { MaySee, Viewer } from './auth/authentication.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import type { createDomain } from './domain.ts';
import { GatewayError } from './errors.ts';
import { pageKey } from './follow/caches.ts';
import type { PresenceEvent } from './follow/events.ts';
import { findKnownFans } from './follow/known-fans.ts';
import type { FollowList, PageQuery, UserId } from './follow/model.ts';
import type { CallOptions } from './follow/services.ts';
import { createReads, type Reads, type ReadsRequest } from './reads.ts';

/** The settings: the graph knows them as those of its context. */
export type GraphSettings = Config;

type Domain = ReturnType<typeof createDomain>;
export type Writers = Domain['writers'];

export type Context = ReturnType<ReturnType<typeof createContexts>>;

type ContextDependencies = Domain & { maySee: MaySee; settings: Config; clock: Clock };

/** Makes what opens a context for each request. */
export function createContexts(dependencies: ContextDependencies) {
  const { cache, writers, names, subscriptions, settings, clock } = dependencies;

  return (request: ReadsRequest & { viewer: Viewer | null }) => {
    const { viewer } = request;
    const expiresAt = viewer?.expiresAt ?? null;
    /** Whether the viewer may see who is in a list of `owner`. */
    const maySee = (owner: UserId, list: FollowList) => dependencies.maySee(viewer, owner, list);
    const reads = createReads(request, settings, clock);
    const { oneByOne } = reads;
    let dependsOnViewer = false;
    return {
      settings,
      /** Null is anonymous. */
      get viewer(): Viewer | null {
        dependsOnViewer = true;
        return viewer;
      },
      maySee,
      /** What members of lists are searched and sorted by. */
      names,
      load: createLoad(reads, dependencies),
      refusedTags: cache.refusedTags,
      /** Changes something in the viewer's name; goes on when the client goes away, so that nothing stays half done. */
      async write<T>(change: (writers: Writers, viewerId: UserId, call: CallOptions) => Promise<T>): Promise<T> {
        if (!viewer) throw new GatewayError('UNAUTHENTICATED', 'Only somebody who is logged in can do this.');
        const untilDone = { ...reads.call(), signal: new AbortController().signal };
        return change(writers, viewer.userId, untilDone).finally(reads.clear);
      },
      /** Events from now on, or from a cursor on; each is answered like a request. */
      subscriptions: {
        followEvents: (userId: UserId, after: string | null) =>
          oneByOne(subscriptions.followEvents(userId, { expiresAt, after, maySee: (list) => maySee(userId, list) })),
        profileEvents: (userIds: readonly UserId[], after: string | null) =>
          oneByOne(subscriptions.profileEvents(userIds, { expiresAt, after })),
        presenceEvents: (userIds: readonly UserId[], isWanted: (event: PresenceEvent) => Promise<boolean>) =>
          oneByOne(subscriptions.presenceEvents(userIds, { expiresAt }), isWanted),
      },
      /** How old the oldest stale value of the answer is, and why it was used; null when nothing was stale. */
      staleness: reads.staleness,
      /** Whether a field has read the viewer, so that another viewer may have another answer. */
      dependsOnViewer: () => dependsOnViewer,
      /** To be called when the answer is out. */
      close: reads.end,
    };
  };
}

/** Reads what is asked for once an answer: at once when it is cached, else by a promise. */
function createLoad({ once }: Reads, { cache }: ContextDependencies) {
  const load = {
    page: (query: PageQuery) => once(pageKey(query), (call) => cache.readPage(query, call)),
    counts: (userId: UserId) => once(`counts ${userId}`, (call) => cache.readCounts(userId, call)),
    profile: (userId: UserId) => once(`profile ${userId}`, (call) => cache.readProfile(userId, call)),
    relation: (from: UserId, to: UserId) =>
      once(`relation ${from} ${to}`, (call) => cache.readRelation(from, to, call)),
    block: (from: UserId, to: UserId) => once(`block ${from} ${to}`, (call) => cache.readBlock(from, to, call)),
    blocked: (userId: UserId) => once(`blocked ${userId}`, (call) => cache.readBlocked(userId, call)),
    presence: (userId: UserId) => once(`presence ${userId}`, (call) => cache.readPresence(userId, call)),
    search: (words: readonly string[], start: string) =>
      once(`search ${JSON.stringify([words, start])}`, (call) => cache.readSearch(words, start, call)),
  };
  return {
    ...load,
    knownFans: (from: UserId, to: UserId) => once(`knownFans ${from} ${to}`, () => findKnownFans(from, to, load)),
  };
}
