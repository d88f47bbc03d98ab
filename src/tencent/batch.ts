// Batches against the upstream's ceilings: split, ask side by side, and give every key its own answer.
import { type ErrorCode, GatewayError, noSuchAccount, outcomeOf } from '../errors.ts';
import type { UserId } from '../follow/model.ts';
import type { Batch, CallOptions, Outcome } from '../follow/services.ts';
import { isRecord } from '../json.ts';
import type { TencentClient } from './client.ts';
import { malformedAnswer, UpstreamRefusal } from './upstream-errors.ts';
import type { Command } from './wire.ts';

export type BatchItems<T> = {
  /** The field that has the items, what a processed one means, and a refusal that has a word of its own. */
  field: string;
  read(item: Record<string, unknown>): T | undefined;
  meaningOf?(refusal: UpstreamRefusal): T | undefined;
};

export type BatchCommand<T> = BatchItems<T> & {
  /** The most accounts of one call (CONTRACT 0). */
  max: number;
  order?: 'in turn';
  /** `From_Account` and `To_Account` unless it says otherwise. */
  request?(from: UserId, chunk: readonly UserId[]): object;
  /** The code of the failure when there is no `from`. */
  blames?: ErrorCode;
};

/** Makes the function that asks a command in the name of one account about any number of others. */
export const batchOf =
  <T>(client: Pick<TencentClient, 'call'>, command: Command, options: BatchCommand<T>) =>
  (from: UserId, userIds: readonly UserId[], call: CallOptions): Promise<Batch<T>> => {
    const { max, order, request = requestOf, blames = 'BAD_USER_INPUT' } = options;
    const ask = async (chunk: UserId[]) =>
      readItems(command, await client.call(command, request(from, chunk), call).catch(blame(blames, from)), options);
    return askInChunks(command, userIds, max, ask, order);
  };

const requestOf = (from: UserId, chunk: readonly UserId[]) => ({ From_Account: from, To_Account: chunk });

/**
 * Asks for any number of accounts in chunks of at most `ceiling` (CONTRACT 0), duplicates once.
 * A chunk that fails fails its own keys only; a key that its chunk left out is answered with `UPSTREAM_UNAVAILABLE`.
 * Writes go one after the other: at once they would get in each other's way (CONTRACT 8.1, 30008).
 */
export async function askInChunks<T>(
  command: Command,
  userIds: readonly UserId[],
  ceiling: number,
  ask: (chunk: UserId[]) => Promise<Batch<T>>,
  order: 'side by side' | 'in turn' = 'side by side',
): Promise<Batch<T>> {
  const wanted = [...new Set(userIds)];
  const batch: Batch<T> = new Map();
  const asked: Promise<void>[] = [];
  for (let start = 0; start < wanted.length; start += ceiling) {
    const answered = settle(wanted.slice(start, start + ceiling));
    if (order === 'in turn') await answered;
    asked.push(answered);
  }
  await Promise.all(asked);
  return batch;

  async function settle(chunk: UserId[]): Promise<void> {
    const answer = await outcomeOf(() => ask(chunk));
    for (const userId of chunk) {
      const own = answer instanceof GatewayError ? answer : answer.get(userId);
      batch.set(userId, own ?? malformedAnswer(command, 'an account is missing from it'));
    }
  }
}

/** Reads the items of a batch answer, matched by account and never by position (CONTRACT 3); each may fail alone. */
export function readItems<T>(
  command: Command,
  answer: Record<string, unknown>,
  { field, read, meaningOf }: BatchItems<T>,
): Batch<T> {
  const items = answer[field];
  if (!Array.isArray(items)) throw malformedAnswer(command, `${field} is not a list`);
  const outcomeOf = (account: string, item: Record<string, unknown>): Outcome<T> => {
    const { ResultCode: code, ResultInfo: info } = item;
    if (typeof code !== 'number' || !Number.isSafeInteger(code))
      return malformedAnswer(command, 'an item has no ResultCode');
    if (code === 0) return read(item) ?? malformedAnswer(command, 'an item cannot be read');
    const refusal = new UpstreamRefusal(command, code, typeof info === 'string' ? info : '', { account });
    return meaningOf?.(refusal) ?? refusal;
  };
  const batch: Batch<T> = new Map();
  // An entry that names no account leaves its own account unanswered, and no other.
  for (const item of items as unknown[])
    if (isRecord(item) && typeof item.To_Account === 'string' && !batch.has(item.To_Account))
      batch.set(item.To_Account, outcomeOf(item.To_Account, item));
  return batch;
}

/** Makes "no such account" of a whole call the failure of the account that asks, so that no other one counts as missing. */
export function blame(code: ErrorCode, asking: UserId) {
  return (error: unknown): never => {
    if (!(error instanceof UpstreamRefusal) || error.code !== 'USER_NOT_FOUND') throw error;
    const { upstream } = error;
    const inWhoseName = `The app has no account "${asking}", in whose name is asked.`;
    throw new GatewayError(code, code === 'USER_NOT_FOUND' ? noSuchAccount(asking) : inWhoseName, { upstream });
  };
}
