// Follows and unfollows in a viewer's name: answered per target, never repeated blindly, and seen by the next read.
import type { ChangeStream } from '../cache/change-stream.ts';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { CachedFollowService } from './cached-follow-service.ts';
import type { HeardChange } from './changes.ts';
import { type ChangeKind, isFan, isFollowing, relationOf } from './changes.ts';
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

export type FollowWriter = ReturnType<typeof createFollowWriter>;
type Outcomes = ReadonlyMap<UserId, ChangeOutcome>;

export type FollowWriterOptions = {
  /** The upstream itself: what it says now is what counts, before a change and after a lost answer. */
  follow: Pick<FollowService, 'readRelations' | 'follow' | 'unfollow'>;
  cache: Pick<CachedFollowService, 'invalidate' | 'invalidateLater' | 'setRelation'>;
  own: Pick<OwnChanges, 'relation'>;
  stream: Pick<ChangeStream<HeardChange>, 'append'>;
  clock: Clock;
};

/** A change waits no longer than this for the look before it, which only makes its answer better. In milliseconds. */
const LOOK_MS = 1500;

export function createFollowWriter(options: FollowWriterOptions) {
  const { follow, cache, own, stream, clock } = options;
  /** When everything is done that a viewer has asked for; what one asks for is done in that order, within this process. */
  const ends = new Map<UserId, Promise<unknown>>();

  /** How `from` stands to others by the upstream's word and by own changes that it may not show yet. */
  async function look(from: UserId, userIds: readonly UserId[], call: CallOptions): Promise<Batch<FollowRelation>> {
    const { signal, onUpstreamCall } = call;
    const deadlineAt = Math.min(call.deadlineAt, clock.now() + LOOK_MS);
    const relations = await follow.readRelations(from, userIds, { signal, onUpstreamCall, deadlineAt });
    for (const [to, relation] of relations)
      if (!(relation instanceof GatewayError)) relations.set(to, own.relation(from, to, relation));
    return relations;
  }

  /** Sends a change, and what was lost of it once more: following is membership of a set (CONTRACT U27). */
  async function send(kind: ChangeKind, from: UserId, userIds: readonly UserId[], call: CallOptions) {
    const answers: Batch<ChangeAnswer> = new Map();
    let unsent: readonly UserId[] = userIds;
    for (let tries = 0; tries < 2 && unsent.length > 0; tries++) {
      for (const [id, answer] of await follow[kind](from, unsent, call)) answers.set(id, answer);
      const lost = keysOf(answers, mayHaveHappened);
      const relations = lost.length > 0 ? await follow.readRelations(from, lost, call) : new Map<UserId, never>();
      // After the opposite was done lately a lagging upstream shows what was before that: no proof of this change.
      const isProven = (id: UserId, relation: FollowRelation) =>
        isDone(kind, relation) && isDone(kind, own.relation(from, id, relation));
      const notDone: UserId[] = [];
      for (const [id, relation] of relations) {
        if (relation instanceof GatewayError) continue;
        if (isProven(id, relation)) answers.set(id, 'done');
        else notDone.push(id);
      }
      unsent = notDone;
    }
    return answers;
  }

  async function changeNow(kind: ChangeKind, from: UserId, userIds: readonly UserId[], call: CallOptions) {
    const before = await look(from, userIds, call);
    const startedAt = clock.now();
    const answers = await send(kind, from, userIds, call);
    const outcomes = new Map(userIds.map((id) => [id, outcomeOf(answers.get(id), isDone(kind, before.get(id)))]));
    const touched = keysOf(outcomes, (outcome) => isSo(outcome) || mayHaveHappened(outcome));
    const events = touched.map((to) => ({ type: 'follow-changed', from, to }) as const);
    await Promise.all(events.map(cache.invalidate));

    for (const to of keysOf(outcomes, isSo)) {
      // A change does not touch whether the other one follows back.
      const relation = valueOrNull(before.get(to));
      if (relation !== null) {
        cache.setRelation(from, to, relationOf(kind === 'follow', isFan(relation)));
        cache.setRelation(to, from, relationOf(isFan(relation), kind === 'follow'));
      }
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
    events.forEach(cache.invalidateLater);
    return outcomes;
  }

  return {
    /** Makes `from` follow, or no longer follow, each of `userIds`: other accounts, each named once. */
    async change(kind: ChangeKind, from: UserId, userIds: readonly UserId[], call: CallOptions): Promise<Outcomes> {
      if (userIds.length === 0) return new Map();
      const change = Promise.resolve(ends.get(from)).then(() =>
        clock.now() < call.deadlineAt
          ? changeNow(kind, from, userIds, call)
          : new Map(userIds.map((id) => [id, tooLate()])),
      );
      const end: Promise<unknown> = change.catch(() => {}).then(() => ends.get(from) === end && ends.delete(from));
      ends.set(from, end);
      return change;
    },
    /** Resolves when nothing is under way. */
    async settled(): Promise<void> {
      while (ends.size > 0) await Promise.all(ends.values());
    },
  };
}

const tooLate = () =>
  new GatewayError('UPSTREAM_TIMEOUT', 'Earlier changes of the same viewer took all the time. Nothing was changed.');

function outcomeOf(answer: Outcome<ChangeAnswer> | undefined, wasDone: boolean): ChangeOutcome {
  if (answer === undefined) throw new Error('A batch of changes left out a target.');
  if (answer !== 'done') return answer;
  return wasDone ? 'unchanged' : 'changed';
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
