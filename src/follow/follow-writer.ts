// Follows and unfollows in a viewer's name: answered per target, never repeated blindly, and seen by the next read.
import type { ChangeStream } from '../cache/change-stream.ts';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { CachedFollowService } from './cached-follow-service.ts';
import type { HeardChange } from './changes.ts';
import { type ChangeKind, isFan, isFollowing, relationOf } from './changes.ts';
import type { FollowRelation, UserId } from './model.ts';
import type { OwnChanges } from './own-changes.ts';
import { keysOf, mayHaveHappened, sendSurely } from './send-surely.ts';
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
type Outcomes = Batch<Exclude<ChangeOutcome, GatewayError>>;

export type FollowWriterOptions = {
  /** The upstream itself: what it says now is what counts, before a change and after a lost answer. */
  follow: Pick<FollowService, 'readRelations' | ChangeKind>;
  cache: Pick<CachedFollowService, 'invalidate' | 'invalidateLater' | 'setRelation' | 'knownRelation'>;
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

  /** Sends a change; `viewer` is on one side of it, and `userIds` on the other. */
  const send = (kind: ChangeKind, viewer: UserId, userIds: readonly UserId[], call: CallOptions) =>
    sendSurely<ChangeAnswer>(
      userIds,
      (ids) => follow[kind](viewer, ids, call),
      async (lost) => {
        const isSo = new Map<UserId, boolean>();
        // After the opposite was done lately a lagging upstream shows what was before that: no proof of this change.
        for (const [id, relation] of await follow.readRelations(viewer, lost, call))
          if (!(relation instanceof GatewayError))
            isSo.set(id, isDone(kind, relation) && isDone(kind, own.relation(viewer, id, relation)));
        return isSo;
      },
    );

  /** `before` is how `viewer` stood to those of whom that is known. */
  async function changeNow(
    kind: ChangeKind,
    viewer: UserId,
    userIds: readonly UserId[],
    call: CallOptions,
    before: ReadonlyMap<UserId, Outcome<FollowRelation>>,
  ): Promise<Outcomes> {
    const startedAt = clock.now();
    const answers = await send(kind, viewer, userIds, call);
    const outcomes = new Map(userIds.map((id) => [id, outcomeOf(answers.get(id), isDone(kind, before.get(id)))]));
    const eventOf = (id: UserId) => ({ type: 'follow-changed', ...edgeOf(kind, viewer, id) }) as const;
    const events = keysOf(outcomes, (outcome) => isSo(outcome) || mayHaveHappened(outcome)).map(eventOf);
    await Promise.all(events.map(cache.invalidate));

    for (const id of keysOf(outcomes, isSo)) {
      // A change does not touch the follow in the other direction.
      const relation = valueOrNull(before.get(id));
      const isMutual = kind === 'removeFans' ? isFollowing(relation) : isFan(relation);
      if (relation !== null) {
        const [follows, isFollowed] = kind === 'removeFans' ? [isMutual, false] : [kind === 'follow', isMutual];
        cache.setRelation(viewer, id, relationOf(follows, isFollowed));
        cache.setRelation(id, viewer, relationOf(isFollowed, follows));
      }
      // One after the other, so that all replicas hear of them in this order.
      await stream.append({
        type: kind === 'follow' ? 'followed' : 'unfollowed',
        ...edgeOf(kind, viewer, id),
        at: clock.now(),
        mutual: isMutual,
        own: { startedAt, isNew: before.has(id) ? outcomes.get(id) === 'changed' : null },
      });
    }
    events.forEach(cache.invalidateLater);
    return outcomes;
  }

  /** Does what a viewer asks for after what they asked for before, if there is time left for it. */
  function inTurn<T>(viewer: UserId, userIds: readonly UserId[], call: CallOptions, run: () => Promise<Batch<T>>) {
    const change = Promise.resolve(ends.get(viewer)).then(() =>
      clock.now() < call.deadlineAt ? run() : (new Map(userIds.map((id) => [id, tooLate()])) as Batch<T>),
    );
    const end: Promise<unknown> = change.catch(() => {}).then(() => ends.get(viewer) === end && ends.delete(viewer));
    ends.set(viewer, end);
    return change;
  }

  return {
    /** Does this to each of `userIds`, other accounts, each named once, in `viewer`'s name. */
    async change(kind: ChangeKind, viewer: UserId, userIds: readonly UserId[], call: CallOptions): Promise<Outcomes> {
      if (userIds.length === 0) return new Map();
      return inTurn(viewer, userIds, call, async () =>
        changeNow(kind, viewer, userIds, call, await look(viewer, userIds, call)),
      );
    },
    inTurn,
    /** Ends the follows between `viewer` and others in both directions, within a turn; resolves with those it failed for. */
    async endFollows(viewer: UserId, userIds: readonly UserId[], call: CallOptions): Promise<ReadonlySet<UserId>> {
      const left = new Set<UserId>();
      const known = userIds.flatMap((id) => {
        const relation = cache.knownRelation(viewer, id);
        return relation === null ? [] : [[id, own.relation(viewer, id, relation)] as const];
      });
      // Memory may be behind: what it does not know of may have been ended as well, and counts as unknown.
      const before = {
        unfollow: new Map(known.filter(([, relation]) => isFollowing(relation))),
        removeFans: new Map(known.flatMap(([id, relation]) => (isFan(relation) ? [[id, 'FAN'] as const] : []))),
      };
      for (const kind of ['unfollow', 'removeFans'] as const)
        for (const [id, outcome] of await changeNow(kind, viewer, userIds, call, before[kind]))
          if (!isSo(outcome)) left.add(id);
      return left;
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
  if (relation === null) return false;
  return kind === 'removeFans' ? !isFan(relation) : isFollowing(relation) === (kind === 'follow');
}

/** Who follows whom by a change: fans are removed at their end. */
const edgeOf = (kind: ChangeKind, viewer: UserId, other: UserId) =>
  kind === 'removeFans' ? { from: other, to: viewer } : { from: viewer, to: other };

const isSo = (outcome: ChangeOutcome): boolean => outcome === 'changed' || outcome === 'unchanged';
