// Faults are armed while the sandbox runs. Each call draws once which of them hit it; all that handles the call looks
// only at that draw.
import type { Command } from '../tencent/wire.ts';
import {
  type CallbackCommand,
  type DrawnFaults,
  FAULT_TABLE,
  type FaultName,
  type FaultPatch,
  type Scope,
} from './fault-table.ts';
import { checkFields, type Fields, isObject } from './fields.ts';

export type { CallbackCommand, DrawnFaults, FaultPatch } from './fault-table.ts';

type Armed = { rule: Scope; seen: number; fired: number };

export type FaultSwitches = ReturnType<typeof createFaults>;

const SCOPE: Fields = { commands: 'a list of texts', every: 'a positive number', times: 'a positive number' };

export function createFaults() {
  const armed = new Map<FaultName, Armed[]>();

  return {
    /** Arms the named faults and leaves the others; throws with a readable message on a malformed patch, arming nothing. */
    set(patch: FaultPatch): void {
      for (const [name, rules] of parsePatch(patch)) {
        armed.delete(name);
        if (rules.length > 0) armed.set(name, rules);
      }
    },

    reset: (): void => armed.clear(),

    isArmed: (name: FaultName): boolean => armed.has(name),

    /** The armed rules with how many calls each has seen and hit. */
    state: (): { [N in FaultName]?: Armed[] } => structuredClone(Object.fromEntries(armed)),

    /** Decides which faults hit this call (or webhook), counting it for every rule that it matches. */
    draw(command: Command | CallbackCommand): DrawnFaults {
      const drawn: { [name: string]: Scope } = {};
      for (const [name, rules] of armed) {
        if (!concerns(name, command)) continue;
        const [first] = rules.filter((rule) => hits(rule, command));
        if (!first) continue;
        first.fired += 1;
        drawn[name] = first.rule;
      }
      // Rules were parsed against the same table that gives the types, so each sits under its own name.
      return drawn as DrawnFaults;
    },
  };
}

function concerns(name: FaultName, command: string): boolean {
  const on: readonly string[] = FAULT_TABLE[name].on;
  return on.includes(command);
}

function hits(armed: Armed, command: string): boolean {
  const { commands, every = 1, times = Number.POSITIVE_INFINITY } = armed.rule;
  if (commands && !commands.includes(command)) return false;
  armed.seen += 1;
  return armed.seen % every === 0 && armed.fired < times;
}

function parsePatch(patch: unknown): [FaultName, Armed[]][] {
  if (!isObject(patch)) throw new Error('Faults must be an object of fault names');
  return Object.entries(patch).map(([name, given]) => {
    if (!isFaultName(name)) {
      throw new Error(`Unknown fault ${JSON.stringify(name)}; known are ${Object.keys(FAULT_TABLE).join(', ')}`);
    }
    const rules = [given ?? false].flat().filter((rule) => rule !== false);
    return [name, rules.map((rule) => ({ rule: parseRule(name, rule), seen: 0, fired: 0 }))];
  });
}

function parseRule(name: FaultName, given: unknown): Scope {
  const rule = given === true ? {} : given;
  if (!isObject(rule)) throw new Error(`Fault ${name} must be true or an object, or a list of objects`);
  const { on, needs, takes }: { on: readonly string[]; needs?: Fields; takes?: Fields } = FAULT_TABLE[name];
  checkFields(`Fault ${name}`, rule, { needs, takes: { ...SCOPE, ...takes } });
  const scope: Scope = rule;
  const stranger = scope.commands?.find((command) => !on.includes(command));
  if (stranger !== undefined) throw new Error(`Fault ${name} cannot concern ${stranger}; it takes ${on.join(', ')}`);
  return scope;
}

function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(FAULT_TABLE, name);
}
