// What happens to a user's fans, mutuals and profile, as it happens.
import type { InterfaceFieldBuilder } from '@pothos/core';
import type { EventsMissed, FollowEvent, ProfileEvent } from '../follow/events.ts';
import type { UserId } from '../follow/model.ts';
import { builder, timeField } from './builder.ts';
import { checkMaySee } from './connection.ts';
import { USER_PRICE } from './cost.ts';
import { FollowEdgeType, newFan } from './follow-connection.ts';
import { checkUserId, checkUserIds, MAX_LOOKUP, userField } from './user.ts';

const eventFields = <Event extends FollowEvent | ProfileEvent>(
  t: InterfaceFieldBuilder<typeof builder.$inferSchemaTypes, Event>,
) => ({
  cursor: t.string({
    nullable: false,
    description: 'Resumes right after this event: give it as `after` when you subscribe again.',
    resolve: ({ cursor }) => cursor,
  }),
  at: t.field(timeField('When it happened.')),
});

const FollowEventType = builder.interfaceRef<FollowEvent>('FollowEvent').implement({
  description: 'Something that happened to the fans or the mutuals of a user.',
  resolveType: ({ type }) => type,
  fields: eventFields,
});

const ProfileEventType = builder.interfaceRef<ProfileEvent>('ProfileEvent').implement({
  description: 'Something that happened to the profile of a user.',
  resolveType: ({ type }) => type,
  fields: eventFields,
});

/** Events of lists have an owner: the user of the subscription. */
type ListEvent = Exclude<FollowEvent, EventsMissed> & { readonly owner: UserId };

const OWNER = 'Whose fans or mutuals these are: the user of the subscription, with the counts as they are now.';

const listEvent = (type: ListEvent['type'], description: string, who: string) =>
  builder.objectRef<ListEvent>(type).implement({
    description,
    interfaces: [FollowEventType],
    fields: (t) => ({
      user: t.field(userField(who, ({ userId }) => userId)),
      owner: t.field(userField(OWNER, ({ owner }) => owner)),
    }),
  });

const FanGainedType = listEvent('FanGained', 'Somebody began to follow the user.', 'Who follows the user now.');
listEvent('FanLost', 'Somebody ceased to follow the user.', 'Who no longer follows the user.');
listEvent(
  'MutualGained',
  'The user and somebody follow each other now. Comes after `FanGained` where the other one followed last.',
  'Who follows the user and is followed back.',
);

builder.objectRef<Exclude<ProfileEvent, EventsMissed>>('ProfileChanged').implement({
  description: 'A profile was changed.',
  interfaces: [ProfileEventType],
  fields: (t) => ({ user: t.field(userField('Whose profile it is, as it is now.', ({ userId }) => userId)) }),
});

builder.objectField(FanGainedType, 'edge', (t) =>
  t.field({
    type: FollowEdgeType,
    nullable: false,
    description: 'The edge of `user` in the fans, for caches that keep lists: it belongs first.',
    complexity: USER_PRICE,
    resolve: ({ owner, userId, at }, _args, { settings }) => newFan(owner, userId, at, settings),
  }),
);

builder.objectRef<EventsMissed>('EventsMissed').implement({
  description:
    'Some events before this one may never come, and it is not known which: read again what you show of them.',
  interfaces: [FollowEventType, ProfileEventType],
});

const AFTER =
  'The cursor of the last event that you have. What happened since comes first; where some of it is no longer known, `EventsMissed` says so. Left out, events begin from now on.';

builder.subscriptionFields((t) => ({
  followEvents: t.field({
    type: FollowEventType,
    nullable: false,
    description:
      'What happens to the fans and the mutuals of a user. A viewer who may not see the fans cannot subscribe; one who may not see the mutuals is not told of them.',
    args: {
      userId: t.arg.id({ required: true, description: 'The UserID.' }),
      after: t.arg.string({ description: AFTER }),
    },
    subscribe(_root, { userId, after }, context) {
      checkUserId(userId, context.settings);
      checkMaySee(context, userId, 'fans');
      return context.subscriptions.followEvents(userId, after ?? null);
    },
    resolve: (event, { userId }) => ({ ...event, owner: userId }),
  }),
  profileChanged: t.field({
    type: ProfileEventType,
    nullable: false,
    description: 'Changes of the profiles of some users.',
    args: {
      userIds: t.arg.idList({ required: true, description: `UserIDs: at least one, at most ${MAX_LOOKUP}.` }),
      after: t.arg.string({ description: AFTER }),
    },
    subscribe(_root, { userIds, after }, { settings, subscriptions }) {
      checkUserIds(userIds, settings);
      return subscriptions.profileEvents(userIds, after ?? null);
    },
    resolve: (event) => event,
  }),
}));
