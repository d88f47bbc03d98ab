// What happens to a user's fans and mutuals, as it happens.
import { GatewayError } from '../errors.ts';
import type { EventsMissed, FollowEvent } from '../follow/events.ts';
import { builder } from './builder.ts';
import { denied } from './connection.ts';
import { USER_PRICE } from './cost.ts';
import { AFTER, eventFields } from './event-fields.ts';
import { ProfileEventType } from './profile-events.ts';
import { UserType } from './user.ts';
import { handleOf } from './user-handle.ts';

const TYPE_NAMES: Record<FollowEvent['type'], string> = {
  'fan-gained': 'FanGained',
  'fan-lost': 'FanLost',
  'mutual-gained': 'MutualGained',
  missed: 'EventsMissed',
};

const FollowEventType = builder.interfaceRef<FollowEvent>('FollowEvent').implement({
  description: 'Something that happened to the fans or the mutuals of a user.',
  resolveType: ({ type }) => TYPE_NAMES[type],
  fields: eventFields,
});

function memberEvent(type: keyof typeof TYPE_NAMES, description: string, who: string) {
  builder.objectRef<Exclude<FollowEvent, EventsMissed>>(TYPE_NAMES[type]).implement({
    description,
    interfaces: [FollowEventType],
    fields: (t) => ({
      user: t.field({
        type: UserType,
        nullable: false,
        description: who,
        complexity: USER_PRICE,
        resolve: ({ userId }) => ({ id: userId, profile: null }),
      }),
    }),
  });
}

memberEvent('fan-gained', 'Somebody began to follow the user.', 'Who follows the user now.');
memberEvent('fan-lost', 'Somebody ceased to follow the user.', 'Who no longer follows the user.');
memberEvent(
  'mutual-gained',
  'The user and somebody follow each other now. Comes after `FanGained` where the other one followed last.',
  'Who follows the user and is followed back.',
);

builder.objectRef<EventsMissed>(TYPE_NAMES.missed).implement({
  description: 'Some events before this one may never come, and nobody knows which: read again what you show of them.',
  interfaces: [FollowEventType, ProfileEventType],
});

builder.subscriptionField('followEvents', (t) =>
  t.field({
    type: FollowEventType,
    nullable: false,
    description:
      'What happens to the fans and the mutuals of a user. Whoever may not see the fans cannot subscribe; whoever may not see the mutuals is not told of them.',
    args: {
      userId: t.arg.id({ required: true, description: 'The UserID.' }),
      after: t.arg.string({ description: AFTER }),
    },
    subscribe(_root, { userId, after }, context) {
      const { viewer, live } = context;
      if (!handleOf(userId, context)) throw new GatewayError('USER_NOT_FOUND', `There is no account "${userId}".`);
      if (!context.maySee(userId, 'fans')) throw denied(viewer, userId, 'fans');
      return live.followEvents(userId, after ?? null);
    },
    resolve: (event) => event,
  }),
);
