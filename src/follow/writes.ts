// Changes in a viewer's name: one after the other, answered per target, never repeated blindly, seen by the next read.
import type { ChangeStream } from '../cache/change-stream.ts';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { CachedFollowService } from './cached-follow-service.ts';
import type { HeardChange } from './changes.ts';
import type { DomainEvent } from './invalidation.ts';
import type { UserId } from './model.ts';
import type { OwnChanges } from './own-changes.ts';
import { type Batch, type Outcome, valueOrNull } from './services.ts';

export type Writes = ReturnType<typeof createWrites>;

/** A change of something between a viewer and others. `Reason`: why it cannot be done. */
export type TargetChange<Value, Reason> = {
  send(userIds: readonly UserId[]): Promise<Batch<'done' | Reason>>;
  /** What shows whether it is so: as it was before, as far as that is known, and as it is now. */
  before: ReadonlyMap<UserId, Outcome<Value>>;
  read(userIds: readonly UserId[]): Promise<Batch<Value>>;
  isSo(value: Value, userId: UserId): boolean;
  /** What makes cached entries wrong. */
  eventOf(userId: UserId): DomainEvent;
  /** Tells of one that is so now. */
  tell(userId: UserId, isChanged: boolean): void | Promise<void>;
};

/** Whether a change is made, `unchanged` if it was so before. */
export const isDone = (outcome: unknown): boolean => outcome === 'changed' || outcome === 'unchanged';

/** What all writers work with. */
export type WriteParts = {
  cache: CachedFollowService;
  own: Pick<OwnChanges, 'relation'>;
  stream: Pick<ChangeStream<HeardChange>, 'append'>;
  clock: Clock;
};

export function createWrites(parts: WriteParts) {
  const { cache } = parts;
  /** The end of each viewer's last change; changes of one viewer run in their order, within this process. */
  const ends = new Map<UserId, Promise<unknown>>();

  return {
    ...parts,
    /** Runs a change of `userIds` after those that the viewer asked for before. */
    async runExclusive<T>(viewer: UserId, userIds: readonly UserId[], run: () => Promise<Batch<T>>) {
      if (userIds.length === 0) return new Map() as Batch<T>;
      const change = Promise.resolve(ends.get(viewer)).then(run);
      const end: Promise<unknown> = change.catch(() => {}).then(() => ends.get(viewer) === end && ends.delete(viewer));
      ends.set(viewer, end);
      return change;
    },

    /**
     * Sends a change for each of `userIds`, looks at those whose answers were lost, and sends once more what is not so:
     * it makes something so, however often it is sent (CONTRACT U27).
     */
    async makeSo<Value, Reason>(userIds: readonly UserId[], change: TargetChange<Value, Reason>) {
      const { send, before, read, isSo, eventOf, tell } = change;
      const shows = (isWanted: boolean, values: TargetChange<Value, Reason>['before'], id: UserId) => {
        const value = valueOrNull(values.get(id));
        return value !== null && isSo(value, id) === isWanted;
      };
      const outcomes: Batch<'changed' | 'unchanged' | Reason> = new Map();
      const setDone = (id: UserId) => outcomes.set(id, shows(true, before, id) ? 'unchanged' : 'changed');
      for (let tries = 0, unsent = userIds; tries < 2 && unsent.length > 0; tries++) {
        for (const [id, answer] of await send(unsent))
          if (answer === 'done') setDone(id);
          // What the second try is refused for says nothing of the first, which an upstream that lags may not show yet.
          else if (tries === 0 || !(answer instanceof GatewayError)) outcomes.set(id, answer as Outcome<Reason>);
        const lost = keysOf(outcomes, mayHaveHappened);
        const found = lost.length > 0 ? await read(lost) : new Map();
        for (const id of lost) if (shows(true, found, id)) setDone(id);
        unsent = lost.filter((id) => shows(false, found, id));
      }
      const events = keysOf(outcomes, (outcome) => isDone(outcome) || mayHaveHappened(outcome)).map(eventOf);
      await cache.invalidate(events);
      // One after the other, so that all replicas hear of them in this order.
      for (const id of keysOf(outcomes, isDone)) await tell(id, outcomes.get(id) === 'changed');
      return outcomes;
    },

    /** Resolves when nothing is under way. */
    async settled(): Promise<void> {
      while (ends.size > 0) await Promise.all(ends.values());
    },
  };
}

export function keysOf<V>(batch: ReadonlyMap<UserId, V>, wanted: (value: V) => boolean): UserId[] {
  return Array.from(batch).flatMap(([id, value]) => (wanted(value) ? [id] : []));
}

/** Whether a failure leaves open what became of a change. */
const mayHaveHappened = (outcome: unknown): boolean => outcome instanceof GatewayError && outcome.mayHaveHappened;
