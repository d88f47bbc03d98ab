// Follow and unfollow, in the viewer's name alone; answered target by target.
import type { Context } from '../context.ts';
import { GatewayError } from '../errors.ts';
import type { ChangeKind } from '../follow/changes.ts';
import type { ChangeOutcome } from '../follow/follow-writer.ts';
import type { UserHandle, UserId } from '../follow/model.ts';
import { builder } from './builder.ts';
import { PER_CALL, price, USER_PRICE } from './cost.ts';
import { UserType } from './user.ts';
import { checkUserId, valueOrError } from './user-handle.ts';

const REASONS = {
  INVALID_ID: { description: 'This cannot be the id of a user.' },
  YOURSELF: { description: 'The viewer cannot follow themself.' },
  USER_NOT_FOUND: { description: 'There is no such user.' },
  FOLLOW_LIMIT_REACHED: { description: 'The viewer follows as many users as one may.' },
  FAN_LIMIT_REACHED: { description: 'The user has as many fans as one may have.' },
  MUTUAL_LIMIT_REACHED: { description: 'The viewer has as many mutuals as one may have.' },
  THEIR_MUTUAL_LIMIT_REACHED: { description: 'The user has as many mutuals as one may have.' },
  REFUSED: { description: 'The app does not allow it.' },
  THROTTLED: { description: 'Too much is asked of the upstream just now. Nothing was changed: try again later.' },
  UNAVAILABLE: { description: 'The upstream could not do it. Nothing was changed: try again later.' },
  UNKNOWN_OUTCOME: {
    description:
      'The upstream’s answer was lost, and it could not be found out what became of it. Look again before trying again.',
  },
} as const;
type Reason = keyof typeof REASONS;

const ReasonType = builder.enumType('FollowFailureReason', {
  description: 'Why a user was not followed or unfollowed.',
  values: REASONS,
});

type Changed = { type: 'FollowChanged' | 'FollowUnchanged'; user: UserHandle };
type Failed = { type: 'FollowFailure'; userId: UserId; reason: Reason; message: string };
type Result = Changed | Failed;
type Payload = { results: readonly Result[]; viewer: UserHandle };

const SuccessTypes = [
  ['FollowChanged', 'It is done.'],
  ['FollowUnchanged', 'It was so already.'],
].map(([name = '', description]) =>
  builder.objectRef<Changed>(name).implement({
    description,
    fields: (t) => ({
      user: t.field({
        type: UserType,
        nullable: false,
        description: 'The user as they are now.',
        complexity: USER_PRICE,
        resolve: ({ user }) => user,
      }),
    }),
  }),
);

const FailureType = builder.objectRef<Failed>('FollowFailure').implement({
  description: 'It was not done; the other users of the same request are not concerned.',
  fields: (t) => ({
    userId: t.exposeID('userId', { nullable: false, description: 'The id as it was given.' }),
    reason: t.field({ type: ReasonType, nullable: false, description: 'Why.', resolve: ({ reason }) => reason }),
    message: t.exposeString('message', { nullable: false, description: 'Why, in words for a developer.' }),
  }),
});

const ResultType = builder.unionType('FollowChangeResult', {
  description: 'What became of one user of the request. More types may be added: ask for `__typename`.',
  types: [...SuccessTypes, FailureType],
  resolveType: ({ type }) => type,
});

const FIELDS: Record<ChangeKind, { field: string; does: string }> = {
  follow: { field: 'followUsers', does: 'Has the viewer follow users' },
  unfollow: { field: 'unfollowUsers', does: 'Ends the viewer’s following of users' },
};

builder.mutationType({ description: 'What a viewer can do. Anonymous requests can do nothing.' });

for (const kind of ['follow', 'unfollow'] as const) {
  const { field, does } = FIELDS[kind];
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
  const PayloadType = builder.objectRef<Payload>(`${name}Payload`).implement({
    description: `The answer of \`${field}\`.`,
    fields: (t) => ({
      results: t.field({
        type: [ResultType],
        nullable: false,
        description: 'One result for each id of the input, in its order.',
        resolve: ({ results }) => [...results],
      }),
      viewer: t.field({
        type: UserType,
        description: 'The viewer as they are now.',
        complexity: USER_PRICE,
        resolve: ({ viewer }) => viewer,
      }),
    }),
  });
  builder.mutationField(field, (t) =>
    t.field({
      type: PayloadType,
      description: `${does}, in batches of what the upstream takes at once. What succeeds for some is never undone because others fail; the next read shows it, on every replica.`,
      args: { input: t.arg({ type: InputType, required: true, description: 'Whom.' }) },
      complexity: CHANGE_PRICE,
      resolve: (_root, { input }, context) => change(kind, input.userIds, context),
    }),
  );
}

type ChangeArguments = { input: { userIds: readonly string[] } };

/** Relations and the viewer's counts are read before, and counts again after where the upstream is behind. */
const CHANGE_PRICE = price(
  ({ input: { userIds } }: ChangeArguments) =>
    2 +
    [PER_CALL.relations, PER_CALL.changes, PER_CALL.counts].reduce((sum, n) => sum + Math.ceil(userIds.length / n), 0),
  ({ input: { userIds } }: ChangeArguments) => userIds.length,
);

async function change(kind: ChangeKind, ids: readonly string[], context: Context): Promise<Payload> {
  const { viewer, settings } = context;
  if (!viewer) throw new GatewayError('UNAUTHENTICATED', 'Only somebody who is logged in can follow or unfollow.');
  if (ids.length === 0 || ids.length > settings.maxTargets)
    throw new GatewayError(
      'BAD_USER_INPUT',
      `"userIds" must name 1 to ${settings.maxTargets} users, not ${ids.length}. Nothing was changed.`,
    );
  const refused = new Map(ids.map((id) => [id, refusalOf(id, viewer.userId, context)]));
  const targets = [...refused.keys()].filter((id) => !refused.get(id));
  const outcomes = await context.changeFollows(kind, targets);
  const results = ids.map((id) => refused.get(id) ?? resultOf(id, outcomes.get(id) as ChangeOutcome));
  return { results, viewer: { id: viewer.userId, profile: null } };
}

/** Why an id is not even asked about; null when it is. */
function refusalOf(id: string, viewerId: UserId, { settings }: Context): Failed | null {
  if (id === viewerId) return failure(id, 'YOURSELF');
  const error = valueOrError(() => checkUserId(id, settings));
  return error ? failure(id, 'INVALID_ID', error.message) : null;
}

const SUCCESSES: Partial<Record<string, Changed['type']>> = { changed: 'FollowChanged', unchanged: 'FollowUnchanged' };
const FULL: Partial<Record<string, Reason>> = {
  'follows-full': 'FOLLOW_LIMIT_REACHED',
  'their-fans-full': 'FAN_LIMIT_REACHED',
  'mutuals-full': 'MUTUAL_LIMIT_REACHED',
  'their-mutuals-full': 'THEIR_MUTUAL_LIMIT_REACHED',
} satisfies Record<Exclude<ChangeOutcome, GatewayError | 'changed' | 'unchanged'>, Reason>;

function resultOf(id: UserId, outcome: ChangeOutcome): Result {
  if (outcome instanceof GatewayError) return failure(id, reasonOf(outcome), outcome.message);
  const type = SUCCESSES[outcome];
  return type ? { type, user: { id, profile: null } } : failure(id, FULL[outcome] ?? 'REFUSED');
}

function reasonOf({ code, mayHaveHappened }: GatewayError): Reason {
  if (mayHaveHappened) return 'UNKNOWN_OUTCOME';
  if (code === 'USER_NOT_FOUND' || code === 'THROTTLED') return code;
  return code === 'FORBIDDEN' || code === 'BAD_USER_INPUT' ? 'REFUSED' : 'UNAVAILABLE';
}

function failure(userId: UserId, reason: Reason, message: string = REASONS[reason].description): Failed {
  return { type: 'FollowFailure', userId: userId.toWellFormed(), reason, message };
}
