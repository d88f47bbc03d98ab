// Faults in the shape of an answer: each changes the finished body, after everything was done right.
import type { Answer } from './envelope.ts';
import type { DrawnFaults } from './faults.ts';
import { isObject } from './http.ts';

type Entry = { [field: string]: unknown };

/** The answer's JSON as the drawn faults leave it. */
export function corrupt(answer: Answer, request: Entry, faults: DrawnFaults): string {
  let body: Entry = answer;
  for (const [name, change] of CHANGES) if (faults[name]) body = change(body, request);
  let json = JSON.stringify(body);
  if (faults.rewrite) json = json.replaceAll(new RegExp(faults.rewrite.pattern, 'g'), faults.rewrite.with);
  return faults.truncatedJson ? json.slice(0, json.length / 2) : json;
}

const CHANGES: [name: keyof DrawnFaults, change: (answer: Entry, request: Entry) => Entry][] = [
  [
    'duplicates',
    ({ FollowItem: page, ...answer }) =>
      Array.isArray(page) ? { FollowItem: [...page, ...page.slice(0, 1)], ...answer } : answer,
  ],
  [
    'missingFollowItem',
    ({ FollowItem: page, ...answer }) =>
      Array.isArray(page) && page.length > 0 ? { FollowItem: page, ...answer } : answer,
  ],
  [
    'missingProfileItem',
    (answer) => eachEntry(answer, ({ ProfileItem: _items, profile_sequence: _version, ...entry }) => entry),
  ],
  [
    'stuckCursor',
    (answer, { StartCursor }) =>
      answer.ErrorCode === 0 && StartCursor ? { ...answer, NextCursor: StartCursor } : answer,
  ],
  [
    'unknownFields',
    (answer) => ({
      ...eachEntry(answer, (entry) => ({ ...entry, Extra_Field: { Since: 2031 } })),
      RequestId: 'sandbox-request',
      Extra_List: [1, 'two', null],
    }),
  ],
];

/** Changes the entries of every list of objects that an answer has. */
function eachEntry(answer: Entry, change: (entry: Entry) => Entry): Entry {
  return Object.fromEntries(
    Object.entries(answer).map(([field, list]) => [
      field,
      Array.isArray(list) ? list.map((entry) => (isObject(entry) ? change(entry) : entry)) : list,
    ]),
  );
}
