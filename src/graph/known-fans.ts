// "Followed by someone you know and 3 others": those of a user's fans whom the viewer follows, as a connection.
import type { Context } from '../context.ts';
import type { FollowEntry, UserId } from '../follow/model.ts';
import { type CursorPosition, indexAfter } from '../follow/resume.ts';
import { builder } from './builder.ts';
import {
  type ConnectionArguments,
  checkFirst,
  connectionArguments,
  denied,
  LIST_SIZE,
  pageInfoOf,
  pricedMembers,
} from './connection.ts';
import { price } from './cost.ts';
import { type CursorScope, decodeCursor, encodeCursor } from './cursor.ts';
import { UserType } from './user.ts';
import { type UserConnection, userConnection } from './user-connection.ts';

type KnownFansConnection = UserConnection & { readonly count: number; readonly atLeast: boolean };

/** Reads the connection that a field asks for; null for an anonymous viewer. */
async function readKnownFans(
  userId: UserId,
  { first, after }: ConnectionArguments,
  context: Context,
): Promise<KnownFansConnection | null> {
  const { settings, viewer } = context;
  const wanted = checkFirst(first, settings);
  if (!context.maySee(userId, 'fans')) throw denied(viewer, userId, 'fans');
  if (!viewer) return null;
  const scope: CursorScope = { userId, list: `knownFans:${viewer.userId}` };
  const position = after == null ? null : decodeCursor(settings.cursorKey, scope, after);
  const { members, exact } = await context.load.knownFans(viewer.userId, userId);
  const from = position ? indexOfNext(members, position) : 0;
  const memberOf = { userId: viewer.userId, list: 'follows' } as const;
  const edges = members.slice(from, from + wanted).map(({ user: { id, profile }, followedAt }, i) => ({
    cursor: encodeCursor(settings.cursorKey, scope, { start: '', size: 0, index: from + i, userId: id, followedAt }),
    node: { id, profile, memberOf },
  }));
  return {
    edges,
    pageInfo: pageInfoOf(edges, from + edges.length < members.length, position !== null),
    count: members.length,
    atLeast: !exact,
  };
}

/** Where a list goes on: all of it is at hand, so what is newer than the cursor's member has been shown. */
export function indexOfNext(members: readonly FollowEntry[], position: CursorPosition): number {
  const index = indexAfter(members, position);
  if (index === 'later') return members.length;
  return index === 'unknown' ? Math.min(position.index, members.length) : index;
}

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
  atLeast: t.exposeBoolean('atLeast', {
    nullable: false,
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
    complexity: price((_args, { knownFansMaxCalls }) => knownFansMaxCalls, pricedMembers),
    // As many calls as it may take by default.
    directives: { cost: { weight: 10 }, listSize: LIST_SIZE },
    resolve: ({ id }, args, context) => readKnownFans(id, args, context),
  }),
);
