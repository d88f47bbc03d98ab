// Mutations that act as the viewer on some users, answered target by target.
import type { Context, Writers } from '../context.ts';
import { GatewayError } from '../errors.ts';
import type { UserId } from '../follow/model.ts';
import type { CallOptions } from '../follow/services.ts';
import { builder, NULL_ON_ERROR } from './builder.ts';
import { price } from './cost.ts';
import { checkUserId, shownId, userField, VIEWER_NOW, valueOrError } from './user.ts';

/** The reasons for which any such change can fail. */
export const COMMON_REASONS = {
  INVALID_ID: { description: 'This cannot be the id of a user.' },
  USER_NOT_FOUND: { description: 'There is no such user.' },
  REFUSED: { description: 'The app does not allow it.' },
  THROTTLED: { description: 'Too much is asked of the upstream just now. Nothing was changed: try again later.' },
  UNAVAILABLE: { description: 'The upstream could not do it. Nothing was changed: try again later.' },
  UNKNOWN_OUTCOME: {
    description:
      'The upstream’s answer was lost, and it could not be found out what became of it. Look again before trying again.',
  },
} as const;

type Reasons<Reason extends string> = Record<
  Reason | keyof typeof COMMON_REASONS | 'YOURSELF',
  { description: string }
>;
type Outcome<Reason> = 'changed' | 'unchanged' | Reason | GatewayError;
type Changed = { type: string; userId: UserId };
type Failed = { type: string; userId: UserId; reason: string; message: string };
type Result = Changed | Failed;

type TargetMutation<Reason extends string> = {
  field: string;
  /** The beginning of its description. */
  does: string;
  /** The most calls that it takes, by the number of targets. */
  calls(targets: number): number;
  change(
    writers: Writers,
    viewer: UserId,
    targets: readonly UserId[],
    call: CallOptions,
  ): Promise<ReadonlyMap<UserId, Outcome<Reason>>>;
};

/**
 * Adds the types `<prefix>Changed`, `<prefix>Unchanged`, `<prefix>Failure` and their union, and mutations that answer with
 * them. `why` says what has reasons.
 */
export function addTargetMutations<Reason extends string>(
  prefix: string,
  reasons: Reasons<Reason>,
  why: string,
  mutations: readonly TargetMutation<Reason>[],
): void {
  const values: Record<string, { description: string }> = reasons;
  const ReasonType = builder.enumType(`${prefix}FailureReason`, { description: why, values });
  const SuccessTypes = [
    ['Changed', 'It is done.'],
    ['Unchanged', 'It was so already.'],
  ].map(([suffix, description]) =>
    builder.objectRef<Changed>(`${prefix}${suffix}`).implement({
      description,
      fields: (t) => ({ user: t.field(userField('The user as they are now.', ({ userId }) => userId)) }),
    }),
  );
  const FailureType = builder.objectRef<Failed>(`${prefix}Failure`).implement({
    description: 'It was not done; the other users of the same request are not concerned.',
    fields: (t) => ({
      userId: t.exposeID('userId', {
        nullable: false,
        description: 'The id as it was given, cut where it is too long for one.',
      }),
      reason: t.expose('reason', { type: ReasonType, nullable: false, description: 'Why.' }),
      message: t.exposeString('message', { nullable: false, description: 'Why, in words for a developer.' }),
    }),
  });
  const ResultType = builder.unionType(`${prefix}ChangeResult`, {
    description: 'What became of one user of the request. More types may be added: ask for `__typename`.',
    types: [...SuccessTypes, FailureType],
    resolveType: ({ type }) => type,
  });

  for (const { field, does, calls, change } of mutations) {
    const name = field.charAt(0).toUpperCase() + field.slice(1);
    const InputType = builder.inputType(`${name}Input`, {
      description: `The input of \`${field}\`.`,
      fields: (t) => ({
        userIds: t.idList({
          required: true,
          description: 'UserIDs: at least one, and at most the deployment’s maximum, 100 by default.',
        }),
      }),
    });
    const PayloadType = builder.objectRef<{ results: readonly Result[] }>(`${name}Payload`).implement({
      description: `The answer of \`${field}\`.`,
      fields: (t) => ({
        results: t.expose('results', {
          type: [ResultType],
          nullable: false,
          description: 'One result for each id of the input, in its order.',
        }),
        viewer: t.field(VIEWER_NOW),
      }),
    });
    builder.mutationField(field, (t) =>
      t.field({
        type: PayloadType,
        description: `${does} What succeeds for some is never undone because others fail; the next read shows it, on every replica.`,
        args: { input: t.arg({ type: InputType, required: true, description: 'Whom.' }) },
        directives: NULL_ON_ERROR,
        complexity: price(
          ({ input: { userIds } }: { input: { userIds: readonly string[] } }) => calls(userIds.length),
          ({ input: { userIds } }) => userIds.length,
        ),
        resolve: (_root, { input }, context) => runFor(change, input.userIds, context),
      }),
    );
  }

  const runFor = (change: TargetMutation<Reason>['change'], ids: readonly UserId[], context: Context) =>
    context.write(async (writers, viewerId, call) => {
      const { maxTargets } = context.settings;
      if (ids.length === 0 || ids.length > maxTargets)
        throw new GatewayError(
          'BAD_USER_INPUT',
          `"userIds" must name 1 to ${maxTargets} users, not ${ids.length}. Nothing was changed.`,
        );
      const refused = new Map(ids.map((id) => [id, refusalOf(id, viewerId, context)]));
      const targets = [...refused.keys()].filter((id) => !refused.get(id));
      const outcomes = await change(writers, viewerId, targets, call);
      return { results: ids.map((id) => refused.get(id) ?? resultOf(id, outcomes.get(id))) };
    });

  /** Why an id is not even asked about; null when it is. */
  function refusalOf(id: string, viewerId: UserId, { settings }: Context): Failed | null {
    if (id === viewerId) return failure(id, 'YOURSELF');
    const error = valueOrError(() => checkUserId(id, settings));
    return error ? failure(id, 'INVALID_ID', error.message) : null;
  }

  function resultOf(id: UserId, outcome: Outcome<Reason> | undefined): Result {
    if (outcome === undefined) throw new Error('A batch of changes left out a target.');
    if (outcome instanceof GatewayError) return failure(id, reasonOf(outcome), messageOf(outcome));
    if (outcome !== 'changed' && outcome !== 'unchanged') return failure(id, outcome as Reason);
    return { type: prefix + (outcome === 'changed' ? 'Changed' : 'Unchanged'), userId: id };
  }

  const failure = (userId: UserId, reason: keyof Reasons<Reason>, message = reasons[reason].description): Failed => {
    return { type: `${prefix}Failure`, userId: shownId(userId), reason, message };
  };
}

/** The reason that stands for an error of the upstream. */
export function reasonOf({ code, mayHaveHappened }: GatewayError) {
  if (mayHaveHappened) return 'UNKNOWN_OUTCOME';
  if (code === 'USER_NOT_FOUND' || code === 'THROTTLED') return code;
  return code === 'FORBIDDEN' || code === 'BAD_USER_INPUT' ? 'REFUSED' : 'UNAVAILABLE';
}

/** The words beside it. Those of an error say to try again, which nobody should before they have looked. */
export const messageOf = ({ mayHaveHappened, message }: GatewayError): string =>
  mayHaveHappened ? COMMON_REASONS.UNKNOWN_OUTCOME.description : message;
