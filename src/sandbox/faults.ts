// Everything that can go wrong on request. Faults are armed while the sandbox runs; each call draws once which of them hit
// it, and all that handles the call looks only at that draw.
import { z } from 'zod';
import type { Command } from '../tencent/wire.ts';
import { COMMAND_NAMES } from './calls.ts';

const ALL = COMMAND_NAMES;
const BATCHES = ALL.filter((command) => !/^(follow_get|black_list_get|portrait_set|search)$/.test(command));
const PAGES: Command[] = ['follow_get'];
const TEXT = z.string();
const WHOLE = z.int();
const POSITIVE = z.int().positive();
const LATE = { ms: POSITIVE };

/** Each fault: the calls that it can hit, what it does, and what a rule of it says beside its scope. */
export const FAULTS = {
  latency: fault(ALL, 'Leaves `ms` after the call was processed; with `every: 100`, one call in a hundred', LATE),
  silence: fault(ALL, 'Nothing is processed, no answer ever comes, the connection stays open'),
  reset: fault(ALL, 'The connection is reset before anything is processed'),
  httpError: fault(ALL, 'A proxy answers: 502 with an HTML page by default', {
    status: WHOLE.optional(),
    body: TEXT.optional(),
  }),
  answerLost: fault(ALL, 'The call is processed whole, then the connection is destroyed instead of answered'),

  error: fault(ALL, 'Refused with this code after authentication and rate check; nothing is processed', {
    code: WHOLE,
    info: TEXT.optional(),
  }),
  itemFailure: fault(BATCHES, 'These accounts fail inside a batch, with nothing written; the call succeeds', {
    ids: z.array(TEXT),
    code: WHOLE,
    info: TEXT.optional(),
  }),
  blockedAgainOk: fault(['black_list_add'], 'Blocking somebody who is blocked already is done, not 30001'),
  searchLag: fault(['search'], 'Changes of profiles from the last `ms` are not found yet', LATE),

  offsetCursor: fault(PAGES, 'NextCursor is a plain offset, no key position: changes shift the pages behind it'),
  shortPages: fault(PAGES, 'At most `keep` members a page (or half of WantNum) although more follow', {
    keep: POSITIVE.optional(),
  }),
  extraEmptyPage: fault(PAGES, 'The last members come with a cursor that leads to one more, empty page'),
  endlessPages: fault(PAGES, 'Every page is empty and names a new cursor: the walk never ends'),
  stuckCursor: fault(PAGES, 'NextCursor repeats StartCursor: the walk stays where it is'),
  duplicates: fault(PAGES, 'The first member of a page is repeated at its end'),
  missingFollowItem: fault(PAGES, 'An empty page lacks FollowItem'),

  rewrite: fault(ALL, 'Replaces what a regular expression finds in the text of the answer; `with` may say $1', {
    pattern: TEXT.refine(isPattern, 'must be a regular expression'),
    with: TEXT,
  }),

  countsLag: fault(['follow_get_info'], 'Changes from now on show in counts only `ms` later', LATE),
  listsLag: fault(['follow_get', 'follow_check'], 'Changes from now on show in lists and checks only `ms` later', LATE),
};

export type FaultName = keyof typeof FAULTS;
type Rule<N extends FaultName> = z.infer<(typeof FAULTS)[N]>;

/** One rule, several rules of a kind, `true` for an unscoped rule that needs nothing, or null to disarm. */
export type FaultPatch = { [N in FaultName]?: Rule<N> | Rule<N>[] | true | null };

/** The rules that hit one call. */
export type DrawnFaults = { readonly [N in FaultName]?: Rule<N> };

type Armed = { rule: Rule<FaultName>; seen: number; fired: number };

export type FaultSwitches = ReturnType<typeof createFaults>;

export function createFaults() {
  const armed = new Map<FaultName, Armed[]>();

  return {
    /** Arms the named faults and leaves the others; throws with a readable message on a malformed patch, arming nothing. */
    set(patch: FaultPatch): void {
      for (const [name, rules] of readPatch(patch)) {
        if (rules.length === 0) armed.delete(name);
        else armed.set(name, rules);
      }
    },

    reset: (): void => armed.clear(),

    isArmed: (name: FaultName): boolean => armed.has(name),

    /** The armed rules with how many calls each has seen and hit. */
    state: (): { [N in FaultName]?: Armed[] } => structuredClone(Object.fromEntries(armed)),

    /** Decides which faults hit this call, counting it for every rule that it matches. */
    draw(command: Command): DrawnFaults {
      const drawn: { [name: string]: object } = {};
      for (const [name, rules] of armed) {
        const [first] = rules.filter((rule) => hits(rule, name, command));
        if (!first) continue;
        first.fired += 1;
        drawn[name] = first.rule;
      }
      // Rules were parsed by the same table that gives the types, so each sits under its own name.
      return drawn as DrawnFaults;
    },
  };
}

function hits(armed: Armed, name: FaultName, command: Command): boolean {
  const { commands, every = 1, times = Number.POSITIVE_INFINITY } = armed.rule;
  const concerned: readonly Command[] = commands ?? FAULTS[name].shape.commands.unwrap().element.options;
  if (!concerned.includes(command)) return false;
  armed.seen += 1;
  return armed.seen % every === 0 && armed.fired < times;
}

function readPatch(patch: unknown): [FaultName, Armed[]][] {
  const names = z.partialRecord(z.keyof(z.object(FAULTS)), z.unknown());
  return Object.entries(read('Faults', names, patch)).map(([key, given]) => {
    // The line above has checked the names.
    const name = key as FaultName;
    const rules = given === null ? [] : [given].flat();
    const arm = (rule: unknown): Armed => ({
      rule: read<Rule<FaultName>>(`Fault ${name}`, FAULTS[name], rule === true ? {} : rule),
      ...{ seen: 0, fired: 0 },
    });
    return [name, rules.map(arm)];
  });
}

/** Parses JSON that somebody wrote by hand; throws an Error that begins with `subject` and names what is wrong. */
export function read<T>(subject: string, schema: z.ZodType<T>, json: unknown): T {
  const { data, error } = schema.safeParse(json);
  if (error) throw new Error(`${subject}: ${z.prettifyError(error)}`);
  return data as T;
}

/** The schema of a fault's rules. Without a scope a rule hits every call that the fault can concern, until reset. */
function fault<Shape extends z.ZodRawShape = Record<never, never>>(
  on: readonly Command[],
  about: string,
  // Without a third argument the shape is the empty one.
  rule = {} as Shape,
) {
  const scope = {
    commands: z.array(z.enum(on)).optional().describe('only these'),
    every: POSITIVE.optional().describe('only each n-th matching call: 3 hits the third, the sixth, …'),
    times: POSITIVE.optional().describe('only the first n hits; with `every: n, times: 1`, the n-th call alone'),
  };
  return z.strictObject({ ...rule, ...scope }).describe(about);
}

function isPattern(text: string): boolean {
  try {
    return Boolean(new RegExp(text));
  } catch {
    return false;
  }
}
