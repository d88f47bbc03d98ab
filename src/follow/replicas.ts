// What replicas tell each other through Redis: which groups to forget, to forget everything, or that the upstream tells of
// changes. All go one way, so that who cannot hear what to forget does not believe to be told of changes either.
import type { RedisLink } from '../cache/redis-link.ts';
import type { CacheKind } from './caches.ts';
import type { Group } from './invalidation.ts';

/** Forgotten groups. `confirmed`: Redis has it, so that memory is all that is left to be cleared. */
type Told = Group & { confirmed: boolean };

export type Replicas = {
  /** Tells the others, as soon as Redis can pass it on. */
  tell(groups: readonly Told[]): void;
  /** Tells everybody, this replica too, since when the upstream tells of changes; resolves with whether Redis passes it on. */
  tellTold(since: number): Promise<boolean>;
};

export type Listener = {
  forget(group: Told): void;
  forgetEverything(): void;
  /** The upstream has told somebody of a change, and has done so since `since` (epoch milliseconds). */
  told(since: number): void;
  /** Messages may have been lost. */
  missed(): void;
};

/** Where replicas tell each other what to forget. */
export const forgetChannel = (prefix: string): string => `${prefix}:forget`;

/** The message that makes all replicas forget everything in their memory. */
export const EVERYTHING = 'everything';

/** The message that makes all replicas forget groups. `from` is whoever has done so already. */
export const writeMessage = (groups: readonly Told[], from = ''): string => JSON.stringify({ from, groups });

/** So many groups are told later when Redis could not pass them on; what is more goes out of date by itself. */
const MOST_UNTOLD = 100_000;

/** Joins the replicas; `name` tells this one from the others. */
export function joinReplicas(link: RedisLink, prefix: string, name: string, listener: Listener): Replicas {
  const channel = forgetChannel(prefix);
  const untold = new Map<string, Told>();
  link.subscribe(channel, hear, listener.missed);
  link.whenBack(() => void publish([...untold.values()]));

  async function publish(groups: readonly Told[]): Promise<void> {
    if (groups.length === 0) return;
    const isTold = await link.publish(channel, writeMessage(groups, name));
    for (const group of groups) {
      const key = `${group.kind} ${group.group}`;
      if (isTold) untold.delete(key);
      else if (untold.size < MOST_UNTOLD) untold.set(key, group);
    }
  }

  function hear(message: string): void {
    const { from, groups, toldSince } = readMessage(message);
    if (message === EVERYTHING) listener.forgetEverything();
    else if (toldSince !== null) listener.told(toldSince);
    else if (from !== name) for (const group of groups) listener.forget(group);
  }

  return {
    tell: (groups) => void publish(groups),
    tellTold: (toldSince) => link.publish(channel, JSON.stringify({ from: name, toldSince })),
  };
}

const KINDS: readonly string[] = ['page', 'counts', 'profile', 'relation'] satisfies CacheKind[];

function readMessage(message: string): { from: unknown; groups: Told[]; toldSince: number | null } {
  try {
    const { from, groups, toldSince } = JSON.parse(message);
    return {
      from,
      groups: Array.isArray(groups) ? groups.filter(isTold) : [],
      toldSince: typeof toldSince === 'number' ? toldSince : null,
    };
  } catch {
    return { from: '', groups: [], toldSince: null };
  }
}

function isTold(value: unknown): value is Told {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, group, confirmed } = value as Record<string, unknown>;
  return KINDS.includes(kind as string) && typeof group === 'string' && typeof confirmed === 'boolean';
}
