// Who exists, with profile, blocks and devices.
import type { WireProfileItem, WireStatus } from '../tencent/wire.ts';

/** A profile by full tag name, for example `{ Tag_Profile_IM_Nick: 'Mina' }`. */
export type Tags = Record<string, string | number>;

/** `sequence` grows with every change, the last of which was at `changedAt`, in milliseconds. */
export type Profile = { items: readonly WireProfileItem[]; sequence: number; changedAt: number };

export type Account = {
  profile: Profile;
  /** Follow times by account, in seconds. */
  follows: Map<string, number>;
  fans: Map<string, number>;
  /** The lists in page order, until one of them changes. */
  inOrder: { [list: string]: readonly Member[] };
  /** When each block began, in seconds, by blocked account. */
  blocks: Map<string, number>;
  /** The devices that are reachable, and how. */
  devices: Map<Platform, WireStatus>;
};

/** Of a list of fans, follows or mutuals. `time` is in seconds. */
export type Member = { id: string; time: number };

export type Platform = 'iPhone' | 'Android' | 'Web' | 'PC' | 'iPad' | 'Mac';

export function createAccounts(now: () => number) {
  const accounts = new Map<string, Account>();

  function get(id: string): Account {
    const account = accounts.get(id);
    if (!account) throw new Error(`No account ${JSON.stringify(id)} in this sandbox: import it first`);
    return account;
  }

  /** Sets these tags, leaves the others; answers the ones whose value is new. Only a real change is a new version. */
  function setProfile(id: string, tags: Tags): WireProfileItem[] {
    const account = get(id);
    const { items, sequence } = account.profile;
    const known = new Map(items.map(({ Tag, Value }) => [Tag, Value]));
    const changed = Object.entries(tags).filter(([Tag, Value]) => known.get(Tag) !== Value);
    const itemsOf = (values: Iterable<[string, string | number]>) =>
      Array.from(values, ([Tag, Value]) => ({ Tag, Value }));
    if (changed.length > 0) {
      const values = new Map([...known, ...changed]);
      account.profile = { items: itemsOf(values), sequence: sequence + 1, changedAt: now() };
    }
    return itemsOf(changed);
  }

  return {
    find: (id: string): Account | undefined => accounts.get(id),
    get,
    setProfile,

    has: (id: string): boolean => accounts.has(id),

    profiles: () => Array.from(accounts, ([id, { profile }]) => [id, profile] as const),

    profile: (id: string): Profile | undefined => accounts.get(id)?.profile,

    hasBlocked: (from: string, to: string): boolean => accounts.get(from)?.blocks.has(to) ?? false,

    /** Everybody that `id` blocks with the time in seconds, the latest first. */
    blockedBy: (id: string): [id: string, time: number][] => [...(accounts.get(id)?.blocks ?? [])].reverse(),

    /** Answers whether anything changed. */
    setBlocked(from: string, to: string, isBlocked: boolean): boolean {
      const { blocks } = get(from);
      if (!get(to) || blocks.has(to) === isBlocked) return false;
      if (isBlocked) blocks.set(to, Math.floor(now() / 1000));
      else blocks.delete(to);
      return true;
    },

    devices: (id: string): [Platform, WireStatus][] => [...(accounts.get(id)?.devices ?? [])],

    setDevice(id: string, platform: Platform, status: WireStatus): void {
      const { devices } = get(id);
      if (status === 'Offline') devices.delete(platform);
      else devices.set(platform, status);
    },

    /** Adds the account unless it is there already, then sets the tags. */
    importAccount(id: string, tags: Tags = {}): void {
      if (!accounts.has(id)) {
        const lists = { follows: new Map(), fans: new Map(), inOrder: {}, blocks: new Map(), devices: new Map() };
        accounts.set(id, { profile: { items: [], sequence: 0, changedAt: now() }, ...lists });
      }
      setProfile(id, tags);
    },

    remove: (id: string): boolean => accounts.delete(id),
  };
}
