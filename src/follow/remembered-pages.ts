import { createMemoryCache } from '../cache/memory-cache.ts';
import type { Clock } from '../clock.ts';
import type { FollowPage, PageQuery } from './model.ts';
import type { CallOptions, FollowService } from './services.ts';

/** Reads one upstream page: at once when it is remembered, else by a promise. */
export type PageReader = (query: PageQuery, call: CallOptions) => FollowPage | Promise<FollowPage>;

export type RememberedPagesOptions = {
  clock: Clock;
  /** How long a page answers without being asked again, in milliseconds. */
  freshMs: number;
  /** Bound of all pages together, in estimated bytes. */
  maxBytes: number;
};

/** Puts a memory in front of `follow.readPage`: client pages cut from one upstream page cost one call. */
export function createRememberedPages(follow: FollowService, options: RememberedPagesOptions): PageReader {
  const pages = createMemoryCache<FollowPage>({ ...options, sizeOf: bytesOf });
  return (query, call) =>
    pages.read(keyOf(query), call, (all) =>
      follow.readPage(query, { signal: all.signal, onUpstreamCall: call.onUpstreamCall, deadlineAt: all.deadlineAt }),
    );
}

// User ids have no colon (contract 1.8); the upstream's cursor may have anything, so it comes last.
function keyOf({ userId, list, start, size }: PageQuery): string {
  return `${userId}:${list}:${size}:${start}`;
}

/** What an entry takes in memory besides its profile: objects, id and slots, as measured by heap snapshots. */
const ENTRY_BYTES = 250;
const ITEM_BYTES = 120;

function bytesOf({ entries }: FollowPage): number {
  let bytes = 200;
  for (const { user } of entries) {
    bytes += ENTRY_BYTES;
    if (user.profile) {
      bytes += 400;
      for (const { value } of user.profile.items)
        bytes += ITEM_BYTES + (typeof value === 'string' ? value.length * 2 : 8);
    }
  }
  return bytes;
}
