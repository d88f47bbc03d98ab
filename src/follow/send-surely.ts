// Changes whose answers may be lost: what was lost is looked at before it is sent once more.
import { GatewayError } from '../errors.ts';
import type { UserId } from './model.ts';
import type { Batch } from './services.ts';

/** Whether a failure leaves open what became of a change. */
export const mayHaveHappened = (outcome: unknown): boolean =>
  outcome instanceof GatewayError && outcome.mayHaveHappened;

export function keysOf<V>(batch: ReadonlyMap<UserId, V>, wanted: (value: V) => boolean): UserId[] {
  return Array.from(batch).flatMap(([id, value]) => (wanted(value) ? [id] : []));
}

/**
 * Sends a change for `userIds`, and what was lost of it once more: it makes something so, however often it is sent
 * (CONTRACT U27). `look` tells of lost ones whether it is so now, as far as that can be known.
 */
export async function sendSurely<Answer>(
  userIds: readonly UserId[],
  send: (userIds: readonly UserId[]) => Promise<Batch<Answer | 'done'>>,
  look: (userIds: readonly UserId[]) => Promise<ReadonlyMap<UserId, boolean>>,
): Promise<Batch<Answer | 'done'>> {
  const answers: Batch<Answer | 'done'> = new Map();
  let unsent: readonly UserId[] = userIds;
  for (let tries = 0; tries < 2 && unsent.length > 0; tries++) {
    for (const [id, answer] of await send(unsent)) answers.set(id, answer);
    const lost = keysOf(answers, mayHaveHappened);
    const found = lost.length > 0 ? await look(lost) : new Map<UserId, boolean>();
    for (const id of keysOf(found, (isSo) => isSo)) answers.set(id, 'done');
    unsent = keysOf(found, (isSo) => !isSo);
  }
  return answers;
}
