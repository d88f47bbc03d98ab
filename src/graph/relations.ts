// How users stand to each other: the viewer to any user, any two users, and "followed by someone you know and 3 others".
import type { Context } from '../context.ts';
import { isFan, isFollowing, relationOf } from '../follow/changes.ts';
import { KNOWN_FANS_MAX_CALLS } from '../follow/known-fans.ts';
import { type FollowList, type FollowRelation, PER_CALL, type UserHandle, type UserId } from '../follow/model.ts';
import { andThen } from '../follow/services.ts';
import { builder } from './builder.ts';
import {
  checkMaySee,
  connectionArguments,
  LIST_SIZE,
  pricedMembers,
  readForward,
  type UserConnection,
  userConnection,
} from './connection.ts';
import { price } from './cost.ts';
import { checkUserId, UserType } from './user.ts';

const FollowRelationType = builder.enumType('FollowRelation', {
  description: 'How one user stands to another, from the first one’s point of view.',
  values: {
    NONE: { description: 'Neither follows the other.' },
    FAN: { description: 'The other one follows this user.' },
    FOLLOWING: { description: 'This user follows the other one.' },
    MUTUAL: { description: 'Both follow each other.' },
  } satisfies Record<FollowRelation, { description: string }>,
});

/** How `from` stands to `to`. A pair with the viewer in it is always asked from there: one batch for all of them. */
function relationBetween(
  from: UserId,
  to: UserId,
  { viewer, load }: Context,
): FollowRelation | Promise<FollowRelation> {
  if (from === to) return 'NONE';
  if (to !== viewer?.userId) return load.relation(from, to);
  return andThen(load.relation(to, from), (relation) => relationOf(isFan(relation), isFollowing(relation)));
}

/** A field about the viewer and a user. For a member of the viewer's own lists `known` may answer without a call. */
function viewerField(read: (relation: FollowRelation) => boolean, known: Partial<Record<FollowList, boolean>>) {
  return {
    complexity: price(1 / PER_CALL.relations),
    directives: { cost: { weight: 1 } },
    resolve({ id, memberOf }: UserHandle, _args: object, context: Context): boolean | null | Promise<boolean> {
      const { viewer, load } = context;
      if (!viewer) return null;
      if (viewer.userId === id) return false;
      const implied = memberOf?.userId === viewer.userId ? known[memberOf.list] : undefined;
      return implied ?? andThen(load.relation(viewer.userId, id), read);
    },
  };
}

builder.objectFields(UserType, (t) => ({
  viewerIsFollowing: t.boolean({
    description: 'Whether the viewer follows this user. Null for an anonymous viewer; false for the viewer themself.',
    ...viewerField(isFollowing, { follows: true, mutuals: true }),
  }),
  isFollowingViewer: t.boolean({
    description: 'Whether this user follows the viewer. Null for an anonymous viewer; false for the viewer themself.',
    ...viewerField(isFan, { fans: true, mutuals: true }),
  }),
  viewerCanFollow: t.boolean({
    description:
      'Whether the viewer can begin to follow this user: not themself, and nobody whom they follow already. Null for an anonymous viewer. A limit of either list shows only when it is tried.',
    ...viewerField((relation) => !isFollowing(relation), { follows: false, mutuals: false }),
  }),
  relationTo: t.field({
    type: FollowRelationType,
    description:
      'How this user stands to another one. Null for an anonymous viewer. A viewer who is neither of the two must be allowed to see both the fans and the follows of this user.',
    args: { userId: t.arg.id({ required: true, description: 'The UserID of the other one.' }) },
    // A call takes the relations of one user alone.
    complexity: price(1),
    directives: { cost: { weight: 1 } },
    resolve: (user, { userId }, context) => {
      const { viewer } = context;
      checkUserId(userId, context.settings);
      if (!viewer) return null;
      if (viewer.userId !== user.id && viewer.userId !== userId)
        for (const list of ['fans', 'follows'] as const) checkMaySee(context, user.id, list);
      return relationBetween(user.id, userId, context);
    },
  }),
}));

type KnownFansConnection = UserConnection & { readonly count: number; readonly exact: boolean };

const [KnownFansConnectionType] = userConnection<KnownFansConnection>('KnownFans', {
  page: "One page of those of a user's fans whom the viewer follows, in the order of the viewer's follows. Where `atLeast` is true, it pages through those that were found.",
  edge: 'A fan of a user whom the viewer follows.',
  cursor:
    'Resumes the list right after this member when passed as `after`, also when the list has changed. Opaque; of use to this viewer alone.',
});

builder.objectFields(KnownFansConnectionType, (t) => ({
  count: t.exposeInt('count', {
    nullable: false,
    description: 'How many members the whole list has: exact unless `atLeast`.',
  }),
  atLeast: t.boolean({
    nullable: false,
    resolve: ({ exact }) => !exact,
    description:
      'Whether there may be more than `count`, since to find them all would have taken too many upstream calls, or some of them failed.',
  }),
}));

builder.objectField(UserType, 'knownFans', (t) =>
  t.field({
    type: KnownFansConnectionType,
    description:
      'Those of this user\'s fans whom the viewer follows: "followed by someone you know". Null for an anonymous viewer. Who may not see the user\'s fans may not see these either.',
    args: connectionArguments(t.arg),
    complexity: price(KNOWN_FANS_MAX_CALLS, pricedMembers),
    directives: { cost: { weight: KNOWN_FANS_MAX_CALLS }, listSize: LIST_SIZE },
    async resolve({ id }, args, context) {
      checkMaySee(context, id, 'fans');
      const { viewer, settings, load } = context;
      if (!viewer) return null;
      const memberOf = { userId: viewer.userId, list: 'follows' } as const;
      const scope = { userId: id, list: `knownFans:${viewer.userId}` } as const;
      const page = await readForward(args, scope, settings, async () => {
        const { members } = await load.knownFans(viewer.userId, id);
        return { entries: members.map((member) => ({ ...member, user: { ...member.user, memberOf } })), next: '' };
      });
      const { members, exact } = await load.knownFans(viewer.userId, id);
      return { ...page, count: members.length, exact };
    },
  }),
);
