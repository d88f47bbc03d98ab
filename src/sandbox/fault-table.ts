// The faults as data: what each one concerns and needs. Checks patches from code and from the control endpoint alike,
// and is what `GET /sandbox` shows.
import type { Command } from '../tencent/wire.ts';
import type { CallbackCommand, FaultName, Scope } from './faults.ts';
import { RATE_LIMITS } from './rates.ts';

type FieldType = 'a positive number' | 'a whole number' | 'text' | 'a list of texts';
type Fields = { [field: string]: FieldType };
type FaultEntry = { on: readonly string[]; needs?: Fields; takes?: Fields };

const CALLS = Object.keys(RATE_LIMITS) as Command[];
const FOLLOW = CALLS.filter((command) => command.startsWith('follow_'));
const LIST: readonly Command[] = ['follow_get'];
const WEBHOOKS: readonly CallbackCommand[] = [
  'Follow.CallbackAfterFollowAdd',
  'Follow.CallbackAfterFollowDelete',
  'Profile.CallbackPortraitSet',
  'Alert.RequestOverLimit',
];
const LATE: Fields = { ms: 'a positive number' };

export const FAULT_TABLE: Readonly<Record<FaultName, FaultEntry>> = {
  latency: { on: CALLS, needs: LATE },
  silence: { on: CALLS },
  reset: { on: CALLS },
  httpError: { on: CALLS, takes: { status: 'a whole number', body: 'text' } },
  answerLost: { on: CALLS },
  truncatedJson: { on: CALLS },

  error: { on: CALLS, needs: { code: 'a whole number' }, takes: { info: 'text' } },
  expiredUserSig: { on: CALLS },
  wrongRegion: { on: CALLS },
  featureOff: { on: FOLLOW },
  itemFailure: {
    on: CALLS.filter((command) => command !== 'follow_get' && command !== 'portrait_set'),
    needs: { ids: 'a list of texts', code: 'a whole number' },
    takes: { info: 'text' },
  },
  unknownFailsAll: { on: ['portrait_get'] },

  offsetCursor: { on: LIST },
  shortPages: { on: LIST, takes: { keep: 'a positive number' } },
  extraEmptyPage: { on: LIST },
  stuckCursor: { on: LIST },
  duplicates: { on: LIST },
  missingFollowItem: { on: LIST },
  missingProfileItem: { on: ['follow_get', 'portrait_get'] },

  unknownFields: { on: CALLS },
  stateForStatus: { on: ['query_online_status'] },
  missingErrorCode: { on: CALLS },
  missingErrorInfo: { on: CALLS },

  countsLag: { on: ['follow_get_info'], needs: LATE },
  listsLag: { on: ['follow_get', 'follow_check'], needs: LATE },

  webhookDelay: { on: WEBHOOKS, needs: LATE },
  webhookDuplicate: { on: WEBHOOKS },
  webhookDrop: { on: WEBHOOKS },
  webhookBadSign: { on: WEBHOOKS },
};

const SCOPE: Fields = { commands: 'a list of texts', every: 'a positive number', times: 'a positive number' };

const IS: Record<FieldType, (value: unknown) => boolean> = {
  'a positive number': (value) => Number.isSafeInteger(value) && Number(value) > 0,
  'a whole number': (value) => Number.isSafeInteger(value),
  text: (value) => typeof value === 'string',
  'a list of texts': (value) => Array.isArray(value) && value.every((entry) => typeof entry === 'string'),
};

/** Reads a patch from anywhere; no rules = disarm. Throws an Error that names the bad part and what belongs there. */
export function parseFaultPatch(patch: unknown): [FaultName, Scope<string>[]][] {
  if (!isObject(patch)) throw new Error('Faults must be an object of fault names');
  return Object.entries(patch).map(([name, given]) => {
    if (!isFaultName(name)) {
      throw new Error(`Unknown fault ${JSON.stringify(name)}; known are ${Object.keys(FAULT_TABLE).join(', ')}`);
    }
    if (given === null || given === undefined || given === false) return [name, []];
    return [name, [given].flat().map((rule) => parseRule(name, rule))];
  });
}

function parseRule(name: FaultName, given: unknown): Scope<string> {
  const { on, needs = {}, takes = {} } = FAULT_TABLE[name];
  const rule = given === true ? {} : given;
  if (!isObject(rule)) throw new Error(`Fault ${name} must be true or an object, or a list of objects`);
  const fields: Fields = { ...SCOPE, ...needs, ...takes };
  for (const [field, value] of Object.entries(rule)) {
    const type = fields[field];
    if (!type)
      throw new Error(`Fault ${name} has no ${JSON.stringify(field)}; it takes ${Object.keys(fields).join(', ')}`);
    if (value !== undefined && !IS[type](value)) throw new Error(`Fault ${name}: ${field} must be ${type}`);
  }
  const missing = Object.keys(needs).find((field) => rule[field] === undefined);
  if (missing) throw new Error(`Fault ${name} needs ${missing}: ${needs[missing]}`);
  const scope: Scope<string> = rule;
  const stranger = scope.commands?.find((command) => !on.includes(command));
  if (stranger !== undefined) throw new Error(`Fault ${name} cannot concern ${stranger}; it takes ${on.join(', ')}`);
  return scope;
}

function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(FAULT_TABLE, name);
}

function isObject(value: unknown): value is { [field: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
