// The viewer's blocks, to be read and changed.
import type { Context } from '../context.ts';
import { type BlockRelation, PER_CALL, type UserHandle } from '../follow/model.ts';
import { andThen } from '../follow/services.ts';
import { isBlocking } from '../follow/writers.ts';
import { builder } from './builder.ts';
import {
  connectionArguments,
  LIST_SIZE,
  pricedMembers,
  readForward,
  type UserConnection,
  userConnection,
} from './connection.ts';
import { price } from './cost.ts';
import { addTargetMutations, COMMON_REASONS } from './target-results.ts';
import { UserType } from './user.ts';

const blockField = (read: (relation: BlockRelation) => boolean, isShown = (_context: Context) => true) => ({
  complexity: price(1 / PER_CALL.blocks),
  directives: { cost: { weight: 1 } },
  resolve({ id }: UserHandle, _args: object, context: Context): boolean | null | Promise<boolean> {
    const { viewer, load } = context;
    if (!viewer || !isShown(context)) return null;
    return viewer.userId !== id && andThen(load.block(viewer.userId, id), read);
  },
});

builder.objectFields(UserType, (t) => ({
  viewerHasBlocked: t.boolean({
    description: 'Whether the viewer blocks this user. Null for an anonymous viewer; false for the viewer themself.',
    ...blockField(isBlocking),
  }),
  hasBlockedViewer: t.boolean({
    description:
      'Whether this user blocks the viewer. Null where the deployment does not show it, which is the default, and for an anonymous viewer.',
    ...blockField(
      (relation) => relation === 'BLOCKED_BY' || relation === 'BOTH',
      ({ settings }) => settings.showBlockedBy,
    ),
  }),
}));

const [BlockedConnectionType, BlockedEdgeType] = userConnection<UserConnection & { readonly count: number }>(
  'Blocked',
  {
    page: 'One page of the users whom the viewer blocks, the newest block first.',
    edge: 'A user whom the viewer blocks.',
    cursor: 'Resumes the list right after this user when passed as `after`. Opaque; of use to this viewer alone.',
  },
);

builder.objectField(BlockedEdgeType, 'blockedAt', (t) =>
  t.expose('time', { type: 'DateTime', description: 'When the block began. Null where the upstream tells no time.' }),
);
builder.objectField(BlockedConnectionType, 'totalCount', (t) =>
  t.exposeInt('count', { nullable: false, description: 'How many users the viewer blocks.' }),
);

builder.queryField('blockedUsers', (t) =>
  t.field({
    type: BlockedConnectionType,
    description: 'The users whom the viewer blocks. Null for an anonymous viewer; nobody sees the list of another.',
    args: connectionArguments(t.arg),
    complexity: price((args, settings) => 1 + pricedMembers(args, settings) / PER_CALL.profiles, pricedMembers),
    directives: { cost: { weight: 1 }, listSize: LIST_SIZE },
    async resolve(_root, args, { viewer, settings, load }) {
      if (!viewer) return null;
      const { userId } = viewer;
      const page = await readForward(args, { userId, list: 'blocked' }, settings, () => load.blocked(userId));
      return { ...page, count: (await load.blocked(userId)).entries.length };
    },
  }),
);

const REASONS = {
  ...COMMON_REASONS,
  YOURSELF: { description: 'The viewer cannot block themself.' },
  BLOCK_LIMIT_REACHED: { description: 'The viewer blocks as many users as one may.' },
  FOLLOWS_REMAIN: { description: 'Blocked, but a follow between the two could not be ended: block again.' },
} as const;

addTargetMutations('Block', REASONS, 'Why a user was not blocked or unblocked, or not wholly.', [
  {
    field: 'blockUsers',
    does: 'Has the viewer block users, and ends the follows between them in both directions.',
    // The follows of each user are ended in their name.
    calls: (targets) => 1 + targets + Math.ceil(targets / PER_CALL.changes),
    change: ({ blocks }, ...rest) => blocks.change(true, ...rest),
  },
  {
    field: 'unblockUsers',
    does: 'Has the viewer no longer block users; follows that were ended stay so.',
    calls: () => 2,
    change: ({ blocks }, ...rest) => blocks.change(false, ...rest),
  },
]);
