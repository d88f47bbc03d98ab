// Faults in the shape of an answer: each changes the finished body, after everything was done right.
import type { Answer } from './envelope.ts';
import type { DrawnFaults } from './faults.ts';
import { isObject } from './http.ts';

type Entry = { [field: string]: unknown };

/** The answer's JSON as the drawn faults leave it. */
export function corrupt(answer: Answer, request: Entry, faults: DrawnFaults): string {
  let body: Entry = { ...answer };
  const page = Array.isArray(body.FollowItem) ? body.FollowItem : undefined;
  if (faults.duplicates && page) body.FollowItem = [...page, ...page.slice(0, 1)];
  if (faults.missingFollowItem && page?.length === 0) delete body.FollowItem;
  if (faults.missingProfileItem)
    body = eachEntry(body, ({ ProfileItem: _items, profile_sequence: _version, ...entry }) => entry);
  if (faults.stuckCursor && body.ErrorCode === 0 && request.StartCursor) body.NextCursor = request.StartCursor;
  if (faults.unknownFields) {
    body = eachEntry(body, (entry) => ({ ...entry, Extra_Field: { Since: 2031 } }));
    body = { ...body, RequestId: 'sandbox-request', Extra_List: [1, 'two', null] };
  }
  let json = JSON.stringify(body);
  if (faults.rewrite) json = json.replaceAll(new RegExp(faults.rewrite.pattern, 'g'), faults.rewrite.with);
  return faults.truncatedJson ? json.slice(0, json.length / 2) : json;
}

/** Changes the entries of every list of objects that an answer has. */
function eachEntry(answer: Entry, change: (entry: Entry) => Entry): Entry {
  return Object.fromEntries(
    Object.entries(answer).map(([field, list]) => [
      field,
      Array.isArray(list) ? list.map((entry) => (isObject(entry) ? change(entry) : entry)) : list,
    ]),
  );
}
