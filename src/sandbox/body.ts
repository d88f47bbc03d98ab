// Reads request bodies as strictly as the contract says, refusing the rest with the service's own codes.
import { Refusal } from './envelope.ts';

export type Body = { [field: string]: unknown };

/** Step 7 of the contract's check order: JSON first, then UserIDs of the wrong type. `null` = too large to be read. */
export function parseBody(text: string | null, service: string): Body {
  const malformed = service === 'openim' ? 90001 : 60003;
  if (text === null) throw new Refusal(malformed, 'request body is larger than 1 MiB');
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Refusal(malformed);
  }
  if (!isBody(body)) throw new Refusal(malformed, 'request body is not a JSON object');
  const stranger = userIdsIn(body).find((id) => id !== undefined && typeof id !== 'string');
  if (stranger !== undefined) throw new Refusal(60015, `UserID ${JSON.stringify(stranger)} is not a string`);
  return body;
}

/** Distinct values of a batch, first occurrence first (contract 3); the ceiling counts duplicates too. */
export function readBatch(
  list: unknown,
  { field, most, code }: { field: string; most: number; code: number },
): string[] {
  if (!Array.isArray(list) || list.length === 0) throw new Refusal(code, `${field} must be a non-empty list`);
  if (list.length > most) throw new Refusal(code, `${field} has ${list.length} entries, at most ${most} are allowed`);
  const texts = list.filter((entry) => typeof entry === 'string');
  if (texts.length < list.length) throw new Refusal(code, `${field} holds an entry without a text`);
  return [...new Set(texts)];
}

export function readAccount(id: unknown, { field, code }: { field: string; code: number }): string {
  if (typeof id !== 'string' || id === '') throw new Refusal(code, `${field} is missing`);
  return id;
}

export function isBody(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One field of each entry of a list; a list of anything else passes through, for the batch's own check to refuse. */
export function pluck(list: unknown, field: string): unknown {
  return Array.isArray(list) ? list.map((entry) => (isBody(entry) ? entry[field] : undefined)) : list;
}

function userIdsIn(body: Body): unknown[] {
  const lists = [body.To_Account, pluck(body.FollowItem, 'To_Account'), pluck(body.CheckItem, 'UserID')];
  return [body.From_Account, ...lists.filter(Array.isArray).flat()];
}
