import type { FollowList } from '../follow/model.ts';
import { andThen } from './and-then.ts';
import { builder } from './builder.ts';
import {
  cursorOf,
  DEFAULT_PAGE_SIZE,
  type FollowConnection,
  type FollowEdge,
  readConnection,
  timeOf,
  usersOf,
} from './connection.ts';
import { CONSTANT } from './constant.ts';
import { PageInfoType } from './page-info.ts';
import { UserType } from './user.ts';

const FollowEdgeType = builder.objectRef<FollowEdge>('FollowEdge').implement({
  description: 'A member of a list of users.',
  fields: (t) => ({
    cursor: t.string({
      nullable: false,
      description:
        'Resumes the list right after this member when passed as `after`, also when the list has changed. Opaque.',
      extensions: CONSTANT,
      resolve: (edge, _args, { settings }) => cursorOf(edge, settings),
    }),
    node: t.field({
      type: UserType,
      nullable: false,
      description: 'The member.',
      extensions: CONSTANT,
      resolve: ({ user }) => user,
    }),
    followedAt: t.field({
      type: 'DateTime',
      nullable: false,
      description: 'When the follow began; for mutuals, usually when it became mutual.',
      extensions: CONSTANT,
      resolve: timeOf,
    }),
  }),
});

const FollowConnectionType = builder.objectRef<FollowConnection>('FollowConnection').implement({
  description: "One page of a user's fans, follows or mutuals, in the upstream's order: usually newest first.",
  fields: (t) => ({
    edges: t.field({
      type: [FollowEdgeType],
      nullable: false,
      description: 'The members with their cursors.',
      extensions: CONSTANT,
      resolve: ({ edges }) => edges as FollowEdge[],
    }),
    nodes: t.field({
      type: [UserType],
      nullable: false,
      description: 'The members alone.',
      extensions: CONSTANT,
      resolve: ({ edges }) => usersOf(edges),
    }),
    pageInfo: t.field({
      type: PageInfoType,
      nullable: false,
      description: 'Where this page stands in the list.',
      resolve: ({ edges, hasNextPage, hasPreviousPage }, _args, { settings }) => {
        const [first, last] = [edges[0], edges.at(-1)];
        const startCursor = first ? cursorOf(first, settings) : null;
        const endCursor = last ? cursorOf(last, settings) : null;
        return { hasNextPage, hasPreviousPage, startCursor, endCursor };
      },
    }),
    totalCount: t.int({
      description:
        "How many members the whole list has. Comes from the upstream's counters, so it can differ from the list for a moment.",
      resolve: ({ userId, list }, _args, { load }) => andThen(load.counts(userId), (counts) => counts[list]),
    }),
  }),
});

const DESCRIPTIONS: Record<FollowList, string> = {
  fans: 'The users who follow this user.',
  follows: 'The users whom this user follows.',
  mutuals: 'The users who follow this user and whom this user follows.',
};

for (const list of Object.keys(DESCRIPTIONS) as FollowList[]) {
  builder.objectField(UserType, list, (t) =>
    t.field({
      type: FollowConnectionType,
      description: DESCRIPTIONS[list],
      args: {
        first: t.arg.int({
          defaultValue: DEFAULT_PAGE_SIZE,
          description: "How many members to return: from 0 to the deployment's maximum, 100 by default.",
        }),
        after: t.arg.string({ description: 'The cursor of the edge to go on after.' }),
      },
      resolve: (user, args, context, info) => readConnection(user.id, list, args, context, info),
    }),
  );
  builder.objectField(UserType, `${list}Count`, (t) =>
    t.int({
      description: `How many ${list} this user has.`,
      resolve: ({ id }, _args, { load }) => andThen(load.counts(id), (counts) => counts[list]),
    }),
  );
}
