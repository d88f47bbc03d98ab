// Follows and unfollows in somebody's name: told per target, never repeated blindly, and seen by the next read anywhere.
import type { Log } from '../cache/log.ts';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import { type ChangeKind, countsAfter, type FollowChange } from './changes.ts';
import { type Before, createLookAhead } from './look-ahead.ts';
import type { FollowMemory } from './memory.ts';
import type { FollowRelation, UserId } from './model.ts';
import type { OwnChanges } from './own-changes.ts';
import type { CallOptions, ChangeAnswer, FollowService, Outcome } from './services.ts';

/** `unchanged`: it was so before, as far as that was known. The failures of `ChangeAnswer` and errors are its own words. */
export type ChangeOutcome = 'changed' | 'unchanged' | Exclude<ChangeAnswer, 'done'> | GatewayError;

export type FollowWriter = {
  /** Makes `from` follow, or no longer follow, each of `userIds`: other accounts, each named once. */
  change(
    kind: ChangeKind,
    from: UserId,
    userIds: readonly UserId[],
    call: CallOptions,
  ): Promise<ReadonlyMap<UserId, ChangeOutcome>>;
  /** Resolves when no change is under way any more. */
  settled(): Promise<void>;
};

export type FollowWriterOptions = {
  /** The upstream itself: what it says now is what counts after a lost answer. */
  follow: FollowService;
  memory: Pick<FollowMemory, 'readRelations' | 'readCounts' | 'forget'>;
  log: Pick<Log, 'append'>;
  /** Whether others have told of a change since a moment: its webhook may be faster than its answer. */
  isTold?: OwnChanges['isTold'];
  clock: Clock;
};

export function createFollowWriter(options: FollowWriterOptions): FollowWriter {
  const { follow, memory, log, isTold = () => false, clock } = options;
  const lookAhead = createLookAhead({ memory, upstream: follow, clock });
  /** The last change in each viewer's name: what one viewer asks for is done in the order in which it was asked. */
  const last = new Map<UserId, Promise<unknown>>();

  async function send(kind: ChangeKind, from: UserId, userIds: readonly UserId[], call: CallOptions) {
    const answers = await follow[kind](from, userIds, call);
    const doubtful = keysOf(answers, mayHaveHappened);
    if (doubtful.length === 0) return answers;

    // Following is membership of a set, as far as anybody knows (contract U27): who is not in it yet may be added again.
    const found = await look(kind, from, doubtful, call);
    for (const id of found.done) answers.set(id, 'done');
    if (found.notDone.length === 0) return answers;
    const again = await follow[kind](from, found.notDone, call);
    const stillDoubtful = keysOf(again, mayHaveHappened);
    const done = stillDoubtful.length > 0 ? (await look(kind, from, stillDoubtful, call)).done : [];
    for (const [id, outcome] of again) answers.set(id, done.includes(id) ? 'done' : outcome);
    return answers;
  }

  /** Asks the upstream itself what became of a change whose answer was lost. */
  async function look(kind: ChangeKind, from: UserId, userIds: readonly UserId[], call: CallOptions) {
    const relations = await follow.readRelations(from, userIds, call);
    const done = keysOf(relations, (relation) => isDone(kind, relation));
    const notDone = keysOf(relations, (relation) => known(relation) !== null && !isDone(kind, relation));
    return { done, notDone };
  }

  /** Has everybody see the change: this replica and the others, whatever the upstream's own lists say for the moment. */
  async function spread(
    kind: ChangeKind,
    from: UserId,
    userIds: readonly UserId[],
    { relations, counts }: Before,
    began: number,
  ) {
    const type = kind === 'follow' ? 'followed' : 'unfollowed';
    let own = known(counts.get(from));
    for (const to of userIds) {
      const relation = known(relations.get(to));
      const mutual = isFan(relation);
      // Without knowing how it was, nobody knows whether anything was to be counted.
      if (relation === null) own = null;
      const before = { from: own, to: relation && known(counts.get(to)) };
      own = own && countsAfter(own, 'from', kind, mutual);
      const change: FollowChange = {
        type,
        from,
        to,
        at: clock.now(),
        mutual,
        before,
        isTold: isTold(type, from, to, began),
      };
      // One after the other, since each counts on from the one before it.
      await log.append(change);
    }
  }

  async function changeNow(
    kind: ChangeKind,
    from: UserId,
    userIds: readonly UserId[],
    call: CallOptions,
  ): Promise<ReadonlyMap<UserId, ChangeOutcome>> {
    const before = await lookAhead(from, userIds, call);
    const began = clock.now();
    const answers = await send(kind, from, userIds, call);
    const outcomes = new Map<UserId, ChangeOutcome>();
    for (const id of userIds) {
      const answer = answers.get(id) ?? new Error(`The batch left out ${id}.`);
      if (answer instanceof Error && !(answer instanceof GatewayError)) throw answer;
      const wasSo = isDone(kind, before.relations.get(id));
      outcomes.set(id, answer === 'done' ? (wasSo ? 'unchanged' : 'changed') : answer);
    }
    const touched = userIds.filter((id) => {
      const outcome = outcomes.get(id) as ChangeOutcome;
      return outcome === 'changed' || outcome === 'unchanged' || mayHaveHappened(outcome);
    });
    const changed = keysOf(outcomes, (outcome) => outcome === 'changed');
    await spread(kind, from, changed, before, began);
    await Promise.all(touched.map((to) => memory.forget({ type: 'follow-changed', from, to })));
    return outcomes;
  }

  return {
    async change(kind, from, userIds, call) {
      if (userIds.length === 0) return new Map();
      const before = last.get(from) ?? Promise.resolve();
      const mine = before.then(() => changeNow(kind, from, userIds, call));
      const over = mine.catch(() => {});
      last.set(from, over);
      try {
        return await mine;
      } finally {
        if (last.get(from) === over) last.delete(from);
      }
    },
    async settled() {
      while (last.size > 0) await Promise.all(last.values());
    },
  };
}

const known = <V>(outcome: Outcome<V> | undefined): V | null =>
  outcome === undefined || outcome instanceof GatewayError ? null : outcome;

const isFan = (relation: FollowRelation | null): boolean => relation === 'FAN' || relation === 'MUTUAL';

function isDone(kind: ChangeKind, relation: Outcome<FollowRelation> | undefined): boolean {
  if (known(relation) === null) return false;
  const follows = relation === 'FOLLOWING' || relation === 'MUTUAL';
  return follows === (kind === 'follow');
}

const mayHaveHappened = (outcome: unknown): boolean => outcome instanceof GatewayError && outcome.mayHaveHappened;

function keysOf<V>(batch: ReadonlyMap<UserId, V>, wanted: (value: V) => boolean): UserId[] {
  return Array.from(batch).flatMap(([id, value]) => (wanted(value) ? [id] : []));
}
