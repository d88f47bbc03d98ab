// Follows and unfollows in a viewer's name: answered per target, never repeated blindly, and seen by the next read.
import type { ChangeStream } from '../cache/change-stream.ts';
import type { KeyedMutex } from '../cache/keyed-mutex.ts';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { CachedFollowService } from './cached-follow-service.ts';
import { type ChangeKind, isFan, isFollowing, relationOf } from './changes.ts';
import type { DelayedInvalidation } from './delayed-invalidation.ts';
import type { KnownChange } from './event-dedupe.ts';
import type { FollowRelation, UserId } from './model.ts';
import type { OwnChanges } from './own-changes.ts';
import {
  type Batch,
  type CallOptions,
  type ChangeAnswer,
  type FollowService,
  type Outcome,
  known as valueOrNull,
} from './services.ts';

/** `unchanged`: it was so before. The failures of `ChangeAnswer` and errors are their own words. */
export type ChangeOutcome = 'changed' | 'unchanged' | Exclude<ChangeAnswer, 'done'> | GatewayError;

export type FollowWriter = {
  /** Makes `from` follow, or no longer follow, each of `userIds`: other accounts, each named once. */
  change(
    kind: ChangeKind,
    from: UserId,
    userIds: readonly UserId[],
    call: CallOptions,
  ): Promise<ReadonlyMap<UserId, ChangeOutcome>>;
};

export type FollowWriterOptions = {
  /** The upstream itself: what it says now is what counts, before a change and after a lost answer. */
  follow: Pick<FollowService, 'readRelations' | 'follow' | 'unfollow'>;
  cache: Pick<CachedFollowService, 'invalidate' | 'setRelation'>;
  own: Pick<OwnChanges, 'relation'>;
  delayed: Pick<DelayedInvalidation, 'schedule'>;
  stream: Pick<ChangeStream<KnownChange>, 'append'>;
  /** What one viewer asks for is done in the order in which it was asked, within this process. */
  mutex: Pick<KeyedMutex, 'runExclusive'>;
  clock: Clock;
};

/** A change waits no longer than this for the look before it, which only makes its answer better. In milliseconds. */
const LOOK_MS = 1500;

export function createFollowWriter(options: FollowWriterOptions): FollowWriter {
  const { follow, cache, own, delayed, stream, mutex, clock } = options;

  /** How `from` stands to others by the upstream's word and by own changes that it may not show yet. */
  async function look(from: UserId, userIds: readonly UserId[], call: CallOptions): Promise<Batch<FollowRelation>> {
    const { signal, onUpstreamCall } = call;
    const deadlineAt = Math.min(call.deadlineAt, clock.now() + LOOK_MS);
    const relations = await follow.readRelations(from, userIds, { signal, onUpstreamCall, deadlineAt });
    for (const [to, relation] of relations)
      if (!(relation instanceof GatewayError)) relations.set(to, own.relation(from, to, relation));
    return relations;
  }

  async function send(kind: ChangeKind, from: UserId, userIds: readonly UserId[], call: CallOptions) {
    const answers = await follow[kind](from, userIds, call);
    const doubtful = keysOf(answers, mayHaveHappened);
    if (doubtful.length === 0) return answers;

    // Following is membership of a set (upstream contract, U27): who is not in it yet may be added again.
    const found = await lookForLost(kind, from, doubtful, call);
    for (const id of found.done) answers.set(id, 'done');
    if (found.notDone.length === 0) return answers;
    const again = await follow[kind](from, found.notDone, call);
    const stillDoubtful = keysOf(again, mayHaveHappened);
    const done = stillDoubtful.length > 0 ? (await lookForLost(kind, from, stillDoubtful, call)).done : [];
    for (const [id, outcome] of again) answers.set(id, done.includes(id) ? 'done' : outcome);
    return answers;
  }

  /** Asks the upstream what became of a change whose answer was lost. */
  async function lookForLost(kind: ChangeKind, from: UserId, userIds: readonly UserId[], call: CallOptions) {
    const done: UserId[] = [];
    const notDone: UserId[] = [];
    for (const [id, relation] of await follow.readRelations(from, userIds, call)) {
      if (relation instanceof GatewayError) continue;
      // After the opposite was done lately a lagging upstream shows what was before that: no proof of this change.
      const isProven = isDone(kind, relation) && isDone(kind, own.relation(from, id, relation));
      (isProven ? done : notDone).push(id);
    }
    return { done, notDone };
  }

  async function changeNow(kind: ChangeKind, from: UserId, userIds: readonly UserId[], call: CallOptions) {
    const before = await look(from, userIds, call);
    const startedAt = clock.now();
    const answers = await send(kind, from, userIds, call);
    const outcomes = new Map(userIds.map((id) => [id, outcomeOf(id, answers, before, kind)]));
    const touched = keysOf(outcomes, (outcome) => isSo(outcome) || mayHaveHappened(outcome));
    const events = touched.map((to) => ({ type: 'follow-changed', from, to }) as const);
    await Promise.all(events.map(cache.invalidate));

    const done = keysOf(outcomes, isSo);
    // A change does not touch whether the other one follows back, so that a look behind it tells as well.
    const unseen = done.filter((id) => valueOrNull(before.get(id)) === null);
    const after = unseen.length > 0 ? await look(from, unseen, call) : new Map<UserId, never>();
    for (const to of done) {
      const relation = valueOrNull(before.get(to)) ?? valueOrNull(after.get(to));
      if (relation !== null) cache.setRelation(from, to, relationOf(kind === 'follow', isFan(relation)));
      if (relation !== null) cache.setRelation(to, from, relationOf(isFan(relation), kind === 'follow'));
      // One after the other, so that all replicas hear of them in this order.
      await stream.append({
        type: kind === 'follow' ? 'followed' : 'unfollowed',
        from,
        to,
        at: clock.now(),
        mutual: isFan(relation),
        own: { startedAt, isNew: outcomes.get(to) === 'changed' },
      });
    }
    delayed.schedule(events);
    return outcomes;
  }

  return {
    async change(kind, from, userIds, call) {
      if (userIds.length === 0) return new Map();
      const late = tooLate();
      try {
        return await mutex.runExclusive(
          from,
          call.deadlineAt,
          () => late,
          () => changeNow(kind, from, userIds, call),
        );
      } catch (error) {
        if (error !== late) throw error;
        return new Map(userIds.map((id) => [id, late]));
      }
    },
  };
}

const tooLate = () =>
  new GatewayError('UPSTREAM_TIMEOUT', 'Earlier changes of the same viewer took all the time. Nothing was changed.');

function outcomeOf(
  id: UserId,
  answers: Batch<ChangeAnswer>,
  before: Batch<FollowRelation>,
  kind: ChangeKind,
): ChangeOutcome {
  const answer = answers.get(id) ?? new Error(`The batch left out ${id}.`);
  if (answer instanceof Error && !(answer instanceof GatewayError)) throw answer;
  if (answer !== 'done') return answer;
  return isDone(kind, before.get(id)) ? 'unchanged' : 'changed';
}

function isDone(kind: ChangeKind, outcome: Outcome<FollowRelation> | undefined): boolean {
  const relation = valueOrNull(outcome);
  return relation !== null && isFollowing(relation) === (kind === 'follow');
}

const isSo = (outcome: ChangeOutcome): boolean => outcome === 'changed' || outcome === 'unchanged';

const mayHaveHappened = (outcome: unknown): boolean => outcome instanceof GatewayError && outcome.mayHaveHappened;

function keysOf<V>(batch: ReadonlyMap<UserId, V>, wanted: (value: V) => boolean): UserId[] {
  return Array.from(batch).flatMap(([id, value]) => (wanted(value) ? [id] : []));
}
