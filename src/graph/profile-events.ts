// Changes of profiles, as they happen.
import { GatewayError } from '../errors.ts';
import type { EventsMissed, ProfileEvent } from '../follow/events.ts';
import { builder } from './builder.ts';
import { USER_PRICE } from './cost.ts';
import { AFTER, eventFields } from './event-fields.ts';
import { UserType } from './user.ts';
import { handlesOf, MAX_LOOKUP } from './user-handle.ts';

export const ProfileEventType = builder.interfaceRef<ProfileEvent>('ProfileEvent').implement({
  description: 'Something that happened to the profile of a user.',
  resolveType: ({ type }) => (type === 'missed' ? 'EventsMissed' : 'ProfileChanged'),
  fields: eventFields,
});

builder.objectRef<Exclude<ProfileEvent, EventsMissed>>('ProfileChanged').implement({
  description: 'A profile was changed.',
  interfaces: [ProfileEventType],
  fields: (t) => ({
    user: t.field({
      type: UserType,
      nullable: false,
      description: 'Whose profile it is, as it is now.',
      complexity: USER_PRICE,
      resolve: ({ userId }) => ({ id: userId, profile: null }),
    }),
  }),
});

builder.subscriptionField('profileChanged', (t) =>
  t.field({
    type: ProfileEventType,
    nullable: false,
    description: 'Changes of the profiles of some users.',
    args: {
      userIds: t.arg.idList({ required: true, description: `UserIDs: at least one, at most ${MAX_LOOKUP}.` }),
      after: t.arg.string({ description: AFTER }),
    },
    subscribe(_root, { userIds, after }, context) {
      if (userIds.length === 0) throw new GatewayError('BAD_USER_INPUT', 'Name at least one user.');
      const malformed = handlesOf(userIds, context).find((handle) => handle instanceof Error);
      if (malformed) throw malformed;
      return context.live.profileEvents(userIds, after ?? null);
    },
    resolve: (event) => event,
  }),
);
