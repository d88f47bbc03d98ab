// What one request carries through the house: its loaders, its patience, and its bill.
import type { KeyObject } from 'node:crypto';
import type { Viewer } from './auth/viewer.ts';
import type { MaySee } from './auth/visibility.ts';
import type { StaleUse } from './cache/single-flight.ts';
import type { Clock } from './clock.ts';
import { GatewayError } from './errors.ts';
import { createLoaders, type Loaders } from './follow/loaders.ts';
import type { FollowMemory } from './follow/memory.ts';
import type { FollowList, FollowPage, PageQuery, UserId } from './follow/model.ts';
import type { CallOptions } from './follow/services.ts';

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
};

export type Context = {
  readonly settings: GraphSettings;
  /** Who asks; null is anonymous. */
  readonly viewer: Viewer | null;
  /** Whether the viewer may see who is in a list of `owner`. */
  maySee(owner: UserId, list: FollowList): boolean;
  readonly load: Loaders;
  /** Reads one upstream page of a list: at once when it is remembered, else by a promise. */
  readPage(query: PageQuery): FollowPage | Promise<FollowPage>;
  /** Whether it is known, without asking, that there is no such account. */
  isKnownMissing(userId: UserId): boolean;
  /** Configured profile tags that the app does not have, as far as that is known. */
  refusedTags(): readonly string[];
};

/** How old the oldest stale value of an answer is, and why it was used. */
export type Staleness = StaleUse;

export type ContextDependencies = {
  memory: FollowMemory;
  maySee: MaySee;
  settings: GraphSettings;
  clock: Clock;
  /** How long one client request may take, in milliseconds. */
  deadlineMs: number;
};

/** The request that a context is made for. */
export type ContextRequest = {
  /** Aborts when the client goes away. */
  gone: AbortSignal;
  viewer: Viewer | null;
  /** Told of every upstream call that is made for this request. */
  onUpstreamCall(command: string): void;
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
export function createContexts({ memory, maySee, settings, clock, deadlineMs }: ContextDependencies) {
  return {
    open({ gone, viewer, onUpstreamCall }: ContextRequest): OpenContext {
      const patience = createPatience(gone, deadlineMs, clock);
      let oldest: Staleness | null = null;
      const call: CallOptions = {
        deadlineAt: clock.now() + deadlineMs,
        onUpstreamCall,
        onStale(use) {
          // A failure says more than a renewal that is on its way.
          const failure = use.failure ?? oldest?.failure ?? null;
          oldest = { ageMs: Math.max(use.ageMs, oldest?.ageMs ?? 0), failure };
        },
        get signal() {
          return patience.signal();
        },
      };
      const context: Context = {
        settings,
        viewer,
        maySee: (owner, list) => maySee(viewer, owner, list),
        load: createLoaders(memory, call),
        readPage: (query: PageQuery) => memory.readPage(query, call),
        isKnownMissing: memory.isKnownMissing,
        refusedTags: memory.refusedTags,
      };
      return { context, staleness: () => oldest, close: patience.end };
    },
  };
}

/** A signal that aborts at the deadline or when the client is gone; made on first use, since a warm answer needs none. */
function createPatience(gone: AbortSignal, deadlineMs: number, clock: Clock) {
  let waiting: AbortController | undefined;
  const over = new AbortController();

  return {
    signal(): AbortSignal {
      if (waiting) return waiting.signal;
      const controller = new AbortController();
      waiting = controller;
      const leave = () =>
        controller.abort(new GatewayError('UPSTREAM_TIMEOUT', 'The client went away before the answer was there.'));
      if (gone.aborted) leave();
      gone.addEventListener('abort', leave, { once: true, signal: over.signal });
      const runOut = () =>
        controller.abort(
          new GatewayError('UPSTREAM_TIMEOUT', `The answer was not there within the request's ${deadlineMs} ms.`),
        );
      clock.sleep(deadlineMs, over.signal).then(runOut, () => {});
      return controller.signal;
    },
    end(): void {
      if (waiting) over.abort();
    },
  };
}
