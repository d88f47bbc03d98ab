// Faults in the shape of an answer: each takes the finished body and bends it, after everything was done right.
import type { Answer } from './envelope.ts';
import type { DrawnFaults, FaultName } from './faults.ts';

type Entry = { [field: string]: unknown };
type Bend = (answer: Answer, request: Entry) => Answer;

const BENDS: Partial<Record<FaultName, Bend>> = {
  duplicates: (answer) => {
    const page = entriesOf(answer, 'FollowItem');
    return page ? { ...answer, FollowItem: [...page, ...page.slice(0, 1)] } : answer;
  },
  missingFollowItem: (answer) =>
    entriesOf(answer, 'FollowItem')?.length === 0 ? without(answer, 'FollowItem') : answer,
  missingProfileItem: (answer) => eachEntry(answer, (entry) => without(entry, 'ProfileItem', 'profile_sequence')),
  stuckCursor: (answer, request) =>
    answer.ErrorCode === 0 ? { ...answer, NextCursor: request.StartCursor || answer.NextCursor } : answer,
  unknownFields: (answer) => ({
    ...eachEntry(answer, (entry) => ({ ...entry, Extra_Field: { Since: 2031 } })),
    RequestId: 'sandbox-request',
    Extra_List: [1, 'two', null],
  }),
  stateForStatus: (answer) =>
    eachEntry(answer, (entry) =>
      entry.Status === undefined ? entry : without({ ...entry, State: entry.Status }, 'Status'),
    ),
  missingErrorCode: (answer) => without(answer, 'ErrorCode'),
  missingErrorInfo: (answer) => without(answer, 'ErrorInfo'),
};

export function disfigure(answer: Answer, request: Entry, faults: DrawnFaults): Answer {
  let bent = answer;
  for (const [name, bend] of Object.entries(BENDS)) {
    // Object.entries forgets that these are fault names.
    if (faults[name as FaultName]) bent = bend(bent, request);
  }
  return bent;
}

function entriesOf(answer: Answer, field: string): Entry[] | undefined {
  const list = answer[field];
  return Array.isArray(list) ? list : undefined;
}

/** Changes the entries of every list of objects that an answer has. */
function eachEntry(answer: Answer, change: (entry: Entry) => Entry): Answer {
  const changed: Answer = { ...answer };
  for (const [field, list] of Object.entries(answer)) {
    if (Array.isArray(list)) changed[field] = list.map((entry) => (typeof entry === 'object' ? change(entry) : entry));
  }
  return changed;
}

function without<T extends object>(entry: T, ...fields: string[]): T {
  // The promised type is broken on purpose: an answer that lacks a field is what these faults are for.
  return Object.fromEntries(Object.entries(entry).filter(([field]) => !fields.includes(field))) as T;
}
