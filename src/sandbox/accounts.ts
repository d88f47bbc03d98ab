// Who exists, with profile and presence. Some accounts sleep: they take no memory until somebody looks closer.
import type { QueryOnlineStatusResponse, WireProfileItem } from '../tencent/wire.ts';
import { type Member, type MemberList, memberList } from './member-list.ts';

/** A profile by full tag name, for example `{ Tag_Profile_IM_Nick: 'Mina' }`. */
export type Tags = Record<string, string | number>;

/** `sequence` grows with every change. */
export type Profile = { items: readonly WireProfileItem[]; sequence: number };

export type Presence = Omit<QueryOnlineStatusResponse['QueryResult'][number], 'To_Account'>;

export type Account = {
  profile: Profile;
  presence: Presence;
  /** Follow time by followed account: the one truth about edges, at most a few thousand entries each. */
  times: Map<string, number>;
  follows: MemberList;
  fans: MemberList;
  /** Worked out when first asked for, kept up to date from then on. */
  mutuals?: MemberList;
};

/** What a sleeping account is like. Whoever it follows counts it as a fan already. */
export type DormantAccount = { profile: Profile; follows: Member[] };

export type DormantAccounts = (id: string) => DormantAccount | undefined;

export function createAccounts(dormant: DormantAccounts) {
  const accounts = new Map<string, Account>();
  const removed = new Set<string>();

  function asleep(id: string): DormantAccount | undefined {
    return accounts.has(id) || removed.has(id) ? undefined : dormant(id);
  }

  /** Wakes the account when it sleeps. */
  function find(id: string): Account | undefined {
    const awake = accounts.get(id);
    const sleeper = awake ? undefined : asleep(id);
    if (!sleeper) return awake;
    const woken = newAccount(sleeper);
    accounts.set(id, woken);
    return woken;
  }

  function get(id: string): Account {
    const account = find(id);
    if (!account) throw new Error(`No account ${JSON.stringify(id)} in this sandbox: import it first`);
    return account;
  }

  /** Sets these tags, leaves the others; answers the ones whose value is new. Only a real change is a new version. */
  function setProfile(id: string, tags: Tags): WireProfileItem[] {
    const account = get(id);
    const values = new Map(account.profile.items.map(({ Tag, Value }) => [Tag, Value]));
    const changed = Object.entries(tags).flatMap(([Tag, Value]) => (values.get(Tag) === Value ? [] : [{ Tag, Value }]));
    for (const { Tag, Value } of changed) values.set(Tag, Value);
    if (changed.length > 0) {
      const items = [...values].map(([Tag, Value]) => ({ Tag, Value }));
      account.profile = { items, sequence: account.profile.sequence + 1 };
    }
    return changed;
  }

  return {
    find,
    get,
    setProfile,

    has: (id: string): boolean => accounts.has(id) || asleep(id) !== undefined,

    /** Reads without waking: a page shows hundreds of sleepers. */
    profile: (id: string): Profile | undefined => accounts.get(id)?.profile ?? asleep(id)?.profile,

    presence: (id: string): Presence => accounts.get(id)?.presence ?? { Status: 'Offline' },

    setPresence(id: string, presence: Presence): void {
      get(id).presence = presence;
    },

    /** Adds the account unless it is there already, then sets the tags. */
    importAccount(id: string, tags: Tags = {}): void {
      if (!find(id)) accounts.set(id, newAccount({ profile: { items: [], sequence: 0 }, follows: [] }));
      setProfile(id, tags);
    },

    forget(id: string): void {
      accounts.delete(id);
      removed.add(id);
    },
  };
}

function newAccount({ profile, follows }: DormantAccount): Account {
  return {
    profile,
    presence: { Status: 'Offline' },
    times: new Map(follows.map(({ id, time }) => [id, time])),
    follows: memberList([...follows]),
    fans: memberList(),
  };
}
