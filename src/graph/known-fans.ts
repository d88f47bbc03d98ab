// "Followed by someone you know and 3 others": those of a user's fans whom the viewer follows, as a connection.
import { builder } from './builder.ts';
import {
  type CountedConnection,
  checkMaySee,
  connectionArguments,
  LIST_SIZE,
  pricedMembers,
  readCounted,
  userConnection,
} from './connection.ts';
import { price } from './cost.ts';
import { UserType } from './user.ts';

const [KnownFansConnectionType] = userConnection<CountedConnection & { readonly exact: boolean }>('KnownFans', {
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
    complexity: price((_args, { knownFansMaxCalls }) => knownFansMaxCalls, pricedMembers),
    // As many calls as it may take by default.
    directives: { cost: { weight: 10 }, listSize: LIST_SIZE },
    async resolve({ id }, args, context) {
      checkMaySee(context, id, 'fans');
      const { viewer, settings, load } = context;
      if (!viewer) return null;
      const memberOf = { userId: viewer.userId, list: 'follows' } as const;
      return readCounted(args, { userId: id, list: `knownFans:${viewer.userId}` }, settings, async () => {
        const { members, exact } = await load.knownFans(viewer.userId, id);
        return { exact, members: members.map(({ user, followedAt }) => ({ user: { ...user, memberOf }, followedAt })) };
      });
    },
  }),
);
