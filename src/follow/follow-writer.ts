// Follows and unfollows in somebody's name: told per target, never repeated blindly, and seen by the next read anywhere.
import type { Log } from '../cache/log.ts';
import type { Turns } from '../cache/turns.ts';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import { type ChangeKind, type FollowChange, isFollowing } from './changes.ts';
import type { FollowMemory } from './memory.ts';
import type { FollowRelation, UserId } from './model.ts';
import { createObservation } from './observation.ts';
import type { RecentChanges } from './recent-changes.ts';
import {
  type Batch,
  type CallOptions,
  type ChangeAnswer,
  type FollowService,
  known,
  type Outcome,
} from './services.ts';
import type { Settling } from './settling.ts';

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
  follow: FollowService;
  memory: Pick<FollowMemory, 'forget' | 'readCounts'>;
  recent: Pick<RecentChanges, 'relation'>;
  settling: Pick<Settling, 'later'>;
  log: Pick<Log, 'append'>;
  /** What one viewer asks for is done in the order in which it was asked, over all replicas. */
  turns: Pick<Turns, 'take'>;
  clock: Clock;
};

export function createFollowWriter(options: FollowWriterOptions): FollowWriter {
  const { follow, memory, recent, settling, log, turns, clock } = options;
  const observation = createObservation({ follow, memory, recent, clock });

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
    const done: UserId[] = [];
    const notDone: UserId[] = [];
    for (const [id, relation] of await follow.readRelations(from, userIds, call)) {
      if (relation instanceof GatewayError) continue;
      // Where the opposite was done lately, the upstream may still show what was before that: no proof of this one.
      const isProven = isDone(kind, relation) && isDone(kind, recent.relation(from, id, relation));
      (isProven ? done : notDone).push(id);
    }
    return { done, notDone };
  }

  /** Has everybody see the change: this replica and the others, whatever the upstream's own lists say for the moment. */
  async function spread(
    changes: readonly Omit<FollowChange, 'own' | 'at'>[],
    news: ReadonlySet<UserId>,
    began: number,
    behind: Awaited<ReturnType<typeof observation.after>>,
  ): Promise<void> {
    for (const change of changes) {
      const counts = behind && { from: behind.from, to: known(behind.to.get(change.to)) };
      const own = { began, isNews: news.has(change.to), behind: counts };
      // One after the other, so that all replicas hear of them in this order.
      await log.append({ ...change, at: clock.now(), own } satisfies FollowChange);
    }
  }

  async function changeNow(kind: ChangeKind, from: UserId, userIds: readonly UserId[], call: CallOptions) {
    const before = await observation.before(from, userIds, call);
    const began = clock.now();
    const answers = await send(kind, from, userIds, call);
    const outcomes = new Map(userIds.map((id) => [id, outcomeOf(id, answers, before.relations, kind)]));
    const touched = keysOf(outcomes, (outcome) => isSo(outcome) || mayHaveHappened(outcome));
    const events = touched.map((to) => ({ type: 'follow-changed', from, to }) as const);
    await Promise.all(events.map((event) => memory.forget(event)));
    const changed = keysOf(outcomes, (outcome) => outcome === 'changed');
    const so = keysOf(outcomes, isSo);
    const [behind, fans] = await Promise.all([
      observation.after(from, changed, before.counts, call),
      observation.fansAmong(from, so, before.relations, call),
    ]);
    const type = kind === 'follow' ? 'followed' : 'unfollowed';
    const told = so.map((to) => ({ type, from, to, mutual: fans.has(to) }) as const);
    await spread(told, new Set(changed), began, behind);
    for (const event of events) settling.later(event);
    return outcomes;
  }

  return {
    change: async (kind, from, userIds, call) =>
      userIds.length === 0 ? new Map() : turns.take(from, call.deadlineAt, () => changeNow(kind, from, userIds, call)),
  };
}

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
  const relation = known(outcome);
  return relation !== null && isFollowing(relation) === (kind === 'follow');
}

const isSo = (outcome: ChangeOutcome): boolean => outcome === 'changed' || outcome === 'unchanged';

const mayHaveHappened = (outcome: unknown): boolean => outcome instanceof GatewayError && outcome.mayHaveHappened;

function keysOf<V>(batch: ReadonlyMap<UserId, V>, wanted: (value: V) => boolean): UserId[] {
  return Array.from(batch).flatMap(([id, value]) => (wanted(value) ? [id] : []));
}
