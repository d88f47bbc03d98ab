// Everything that can go wrong on request: which calls a fault can hit, and what it needs to know. This table checks
// what is armed, gives the types, and is what `GET /sandbox` shows.
import type { Command } from '../tencent/wire.ts';
import { COMMANDS } from './apis.ts';
import type { Fields, ValuesOf } from './fields.ts';

export type CallbackCommand =
  | 'Follow.CallbackAfterFollowAdd'
  | 'Follow.CallbackAfterFollowDelete'
  | 'Profile.CallbackPortraitSet'
  | 'Alert.RequestOverLimit';

const FOLLOW = COMMANDS.filter((command) => command.startsWith('follow_'));
const BATCHES = COMMANDS.filter((command) => command !== 'follow_get' && command !== 'portrait_set');
const LISTS: readonly Command[] = ['follow_get'];
const RELATIONS: readonly Command[] = ['follow_get', 'follow_check'];
const COUNTS: readonly Command[] = ['follow_get_info'];
const PORTRAITS: readonly Command[] = ['portrait_get'];
const PROFILES: readonly Command[] = ['follow_get', 'portrait_get'];
const PRESENCE: readonly Command[] = ['query_online_status'];
const WEBHOOKS: readonly CallbackCommand[] = [
  'Follow.CallbackAfterFollowAdd',
  'Follow.CallbackAfterFollowDelete',
  'Profile.CallbackPortraitSet',
  'Alert.RequestOverLimit',
];

export const FAULT_TABLE = {
  /** The answer is ready (and a write applied) at once, but leaves `ms` later. With `every: 100`, one call in a hundred is slow. */
  latency: { on: COMMANDS, needs: { ms: 'a positive number' } },
  /** Nothing is processed and no answer ever comes; the connection stays open. */
  silence: { on: COMMANDS },
  /** The connection is reset before anything is processed. */
  reset: { on: COMMANDS },
  /** A proxy answers instead of the service: 502 with an HTML page unless told otherwise. */
  httpError: { on: COMMANDS, takes: { status: 'a whole number', body: 'text' } },
  /** The call is processed whole, then the connection is destroyed instead of answered. */
  answerLost: { on: COMMANDS },
  /** The answer's JSON ends in the middle, under a correct Content-Length. */
  truncatedJson: { on: COMMANDS },

  /** The call is refused with this code after authentication and rate check; nothing is processed. */
  error: { on: COMMANDS, needs: { code: 'a whole number' }, takes: { info: 'text' } },
  /** Any UserSig is judged expired: 70001. */
  expiredUserSig: { on: COMMANDS },
  /** The app lives in another data centre: 60026. */
  wrongRegion: { on: COMMANDS },
  /** The follow feature is not switched on: 30005. */
  featureOff: { on: FOLLOW },
  /** These accounts fail inside a batch while the call succeeds; nothing is written for them. */
  itemFailure: { on: BATCHES, needs: { ids: 'a list of texts', code: 'a whole number' }, takes: { info: 'text' } },
  /** `portrait_get` fails whole with 40003 when any account is unknown. */
  unknownFailsAll: { on: PORTRAITS },

  /** `NextCursor` holds a plain offset instead of a key position, so changes shift the pages behind it. */
  offsetCursor: { on: LISTS },
  /** A page holds at most `keep` members (default: half of WantNum) although more follow. */
  shortPages: { on: LISTS, takes: { keep: 'a positive number' } },
  /** The last members come with a cursor that leads to one more, empty page. */
  extraEmptyPage: { on: LISTS },
  /** Every page is empty and names a new cursor: the walk never ends. */
  endlessPages: { on: LISTS },
  /** `NextCursor` repeats `StartCursor`: the walk stays where it is. */
  stuckCursor: { on: LISTS },
  /** The first member of a page is repeated at its end. */
  duplicates: { on: LISTS },
  /** An empty page lacks `FollowItem`. */
  missingFollowItem: { on: LISTS },
  /** Members and users come without `ProfileItem` and `profile_sequence`. */
  missingProfileItem: { on: PROFILES },

  /** Fields that nobody documents, at the top and in every entry. */
  unknownFields: { on: COMMANDS },
  /** Presence under the key `State` instead of `Status`. */
  stateForStatus: { on: PRESENCE },
  /** A body without `ErrorCode`: valid JSON that is no answer. */
  missingErrorCode: { on: COMMANDS },
  /** A body without `ErrorInfo`. */
  missingErrorInfo: { on: COMMANDS },
  /**
   * Replaces text of the answer's JSON, for any oddity without a switch. `pattern` is a regular expression, `with` may
   * quote its groups: `"FollowTime":(\d+)` with `"FollowTime":$1000` makes times milliseconds.
   */
  rewrite: { on: COMMANDS, needs: { pattern: 'a pattern', with: 'text' } },

  /** Counts show changes made from now on only `ms` after they happened. */
  countsLag: { on: COUNTS, needs: { ms: 'a positive number' } },
  /** Lists and checks show changes made from now on only `ms` after they happened. */
  listsLag: { on: RELATIONS, needs: { ms: 'a positive number' } },

  /** The webhook leaves `ms` late, with the Sign of when it leaves. */
  webhookDelay: { on: WEBHOOKS, needs: { ms: 'a positive number' } },
  /** The webhook is delivered twice. */
  webhookDuplicate: { on: WEBHOOKS },
  /** The webhook is never sent. */
  webhookDrop: { on: WEBHOOKS },
  /** The webhook's Sign is that of another token. */
  webhookBadSign: { on: WEBHOOKS },
} as const satisfies Record<string, Entry>;

type Entry = { on: readonly string[]; needs?: Fields; takes?: Fields };
type Table = typeof FAULT_TABLE;
export type FaultName = keyof Table;

/** Which calls a rule hits. Without any of these: every call that the fault can concern, until reset. */
export type Scope<Name extends string = string> = {
  /** Only these commands. */
  commands?: Name[];
  /** Only each n-th matching call: 3 hits the third, the sixth, … */
  every?: number;
  /** Only the first n hits. With `every: n, times: 1`, the n-th call alone. */
  times?: number;
};

type Rule<E extends Entry> = Scope<E['on'][number]> &
  (E extends { needs: infer N extends Fields } ? ValuesOf<N> : unknown) &
  (E extends { takes: infer T extends Fields } ? Partial<ValuesOf<T>> : unknown);

/** One rule, several rules of a kind, `true` for an unscoped rule that needs nothing, or null to disarm. */
export type FaultPatch = {
  [N in FaultName]?: Rule<Table[N]> | Rule<Table[N]>[] | (Table[N] extends { needs: Fields } ? never : true) | null;
};

/** The rules that hit one call. */
export type DrawnFaults = { readonly [N in FaultName]?: Rule<Table[N]> };
