// Everything that can go wrong on request. A fault is armed while the sandbox runs; each call draws once which armed
// faults hit it, and the stages of the exchange look only at that draw.
import type { Command } from '../tencent/wire.ts';
import { FAULT_TABLE, parseFaultPatch } from './fault-table.ts';

/** Which calls a rule hits. Without any of these: every call that the fault can concern, until reset. */
export type Scope<Name extends string = Command> = {
  /** Only these commands. */
  commands?: Name[];
  /** Only each n-th matching call: 3 hits the third, the sixth, … */
  every?: number;
  /** Only the first n hits. With `every: n, times: 1`, the n-th call alone. */
  times?: number;
};

export type CallbackCommand =
  | 'Follow.CallbackAfterFollowAdd'
  | 'Follow.CallbackAfterFollowDelete'
  | 'Profile.CallbackPortraitSet'
  | 'Alert.RequestOverLimit';

type Faults = {
  /** The answer is ready (and a write applied) at once, but leaves `ms` later. */
  latency: Scope & { ms: number };
  /** Nothing is processed and no answer ever comes; the connection stays open. */
  silence: Scope;
  /** The connection is reset before anything is processed. */
  reset: Scope;
  /** A proxy answers instead of the service: 502 with an HTML page unless told otherwise. */
  httpError: Scope & { status?: number; body?: string };
  /** The call is processed whole, then the connection is destroyed instead of answered. */
  answerLost: Scope;
  /** The answer's JSON ends in the middle, under a correct Content-Length. */
  truncatedJson: Scope;

  /** The call is refused with this code after authentication and rate check; nothing is processed. */
  error: Scope & { code: number; info?: string };
  /** Any UserSig is judged expired: 70001. */
  expiredUserSig: Scope;
  /** The app lives in another data centre: 60026. */
  wrongRegion: Scope;
  /** The follow feature is not switched on: 30005. */
  featureOff: Scope;
  /** These accounts fail inside a batch while the call succeeds; nothing is written for them. */
  itemFailure: Scope & { ids: string[]; code: number; info?: string };
  /** `portrait_get` fails whole with 40003 when any account is unknown. */
  unknownFailsAll: Scope;

  /** `NextCursor` holds a plain offset instead of a key position, so changes shift the pages behind it. */
  offsetCursor: Scope;
  /** A page holds at most `keep` members (default: half of WantNum) although more follow. */
  shortPages: Scope & { keep?: number };
  /** The last members come with a cursor that leads to one more, empty page. */
  extraEmptyPage: Scope;
  /** `NextCursor` repeats `StartCursor`: the walk never gets on. */
  stuckCursor: Scope;
  /** The first member of a page is repeated at its end. */
  duplicates: Scope;
  /** An empty page lacks `FollowItem`. */
  missingFollowItem: Scope;
  /** Members and users come without `ProfileItem` and `profile_sequence`. */
  missingProfileItem: Scope;

  /** Fields that nobody documents, at the top, in every entry. */
  unknownFields: Scope;
  /** Presence under the key `State` instead of `Status`. */
  stateForStatus: Scope;
  /** A body without `ErrorCode`: valid JSON that is no answer. */
  missingErrorCode: Scope;
  /** A body without `ErrorInfo`. */
  missingErrorInfo: Scope;

  /** Counts show changes made from now on only `ms` after they happened. */
  countsLag: Scope & { ms: number };
  /** Lists and checks show changes made from now on only `ms` after they happened. */
  listsLag: Scope & { ms: number };

  /** The webhook leaves `ms` late, with the Sign of when it leaves. */
  webhookDelay: Scope<CallbackCommand> & { ms: number };
  /** The webhook is delivered twice. */
  webhookDuplicate: Scope<CallbackCommand>;
  /** The webhook is never sent. */
  webhookDrop: Scope<CallbackCommand>;
  /** The webhook's Sign is that of another token. */
  webhookBadSign: Scope<CallbackCommand>;
};

export type FaultName = keyof Faults;

type NeedsNothing<N extends FaultName> = Record<never, never> extends Faults[N] ? true : never;

/** One rule, several rules of a kind, `true` for an unscoped rule that needs nothing, or null to disarm. */
export type FaultPatch = { [N in FaultName]?: Faults[N] | Faults[N][] | NeedsNothing<N> | null };

/** The rules that hit one call. */
export type DrawnFaults = { readonly [N in FaultName]?: Faults[N] };

type Armed = { rule: Scope<string>; seen: number; fired: number };

export type FaultSwitches = ReturnType<typeof createFaults>;

export function createFaults() {
  const armed = new Map<FaultName, Armed[]>();

  return {
    /** Arms the named faults anew and leaves the others; throws with a readable message on a malformed patch. */
    set(patch: FaultPatch): void {
      for (const [name, rules] of parseFaultPatch(patch)) {
        if (rules.length === 0) armed.delete(name);
        else
          armed.set(
            name,
            rules.map((rule) => ({ rule, seen: 0, fired: 0 })),
          );
      }
    },

    reset: (): void => armed.clear(),

    isArmed: (name: FaultName): boolean => armed.has(name),

    /** The armed rules with how many calls each has seen and hit. */
    state: (): { [N in FaultName]?: Armed[] } => structuredClone(Object.fromEntries(armed)),

    /** Decides which faults hit this call (or webhook), counting it for every rule that it matches. */
    draw(command: Command | CallbackCommand): DrawnFaults {
      const drawn: { [name: string]: Scope<string> } = {};
      for (const [name, rules] of armed) {
        if (!FAULT_TABLE[name].on.includes(command)) continue;
        const hits = rules.filter((rule) => hit(rule, command));
        const first = hits[0];
        if (!first) continue;
        first.fired += 1;
        drawn[name] = first.rule;
      }
      // Rules were parsed against the same table that FaultPatch describes, so each sits under its own name.
      return drawn as DrawnFaults;
    },
  };
}

function hit(armed: Armed, command: string): boolean {
  const { commands, every = 1, times = Number.POSITIVE_INFINITY } = armed.rule;
  if (commands && !commands.includes(command)) return false;
  armed.seen += 1;
  return armed.seen % every === 0 && armed.fired < times;
}
