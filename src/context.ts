// What one request carries through the house: its loaders, its patience, and its bill.
import type { KeyObject } from 'node:crypto';
import type { Clock } from './clock.ts';
import { GatewayError } from './errors.ts';
import { createLoaders, type Loaders } from './follow/loaders.ts';
import type { FollowPage, PageQuery } from './follow/model.ts';
import type { PageReader } from './follow/remembered-pages.ts';
import type { CallOptions, FollowService, ProfileService } from './follow/services.ts';

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
  readonly load: Loaders;
  /** Reads one upstream page of a list: at once when it is remembered, else by a promise. */
  readPage(query: PageQuery): FollowPage | Promise<FollowPage>;
};

export type ContextDependencies = {
  follow: FollowService;
  profiles: ProfileService;
  readPage: PageReader;
  settings: GraphSettings;
  clock: Clock;
  /** How long one client request may take, in milliseconds. */
  deadlineMs: number;
};

/** The request that a context is made for. */
export type ContextRequest = {
  /** Aborts when the client goes away. */
  gone: AbortSignal;
  /** Told of every upstream call that is made for this request. */
  onUpstreamCall(command: string): void;
};

/** Makes contexts: `open` one per request, and `close` it when the answer is out. */
export function createContexts({ follow, profiles, readPage, settings, clock, deadlineMs }: ContextDependencies) {
  return {
    open({ gone, onUpstreamCall }: ContextRequest): { context: Context; close(): void } {
      const deadlineAt = clock.now() + deadlineMs;
      const patience = createPatience(gone, deadlineMs, clock);
      const call: CallOptions = {
        deadlineAt,
        onUpstreamCall,
        get signal() {
          return patience.signal();
        },
      };
      const context = {
        settings,
        load: createLoaders(follow, profiles, call),
        readPage: (query: PageQuery) => readPage(query, call),
      };
      return { context, close: patience.end };
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
      over.abort();
    },
  };
}
