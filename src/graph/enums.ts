import type { AdminForbidType, AllowType, FollowRelation, Gender } from '../follow/model.ts';
import { builder } from './builder.ts';

/** Makes sure at compile time that a GraphQL enum has exactly the domain's values. */
type Values<T extends string> = Record<T, { description: string }>;

export const GenderType = builder.enumType('Gender', {
  description: "A user's gender, as the profile states it.",
  values: {
    UNKNOWN: { description: 'Set to unknown.' },
    FEMALE: { description: 'Female.' },
    MALE: { description: 'Male.' },
  } satisfies Values<Gender>,
});

export const AllowTypeType = builder.enumType('AllowType', {
  description: 'Who may add this user as a friend. It does not concern follows.',
  values: {
    NEED_CONFIRM: { description: 'A request needs the user’s consent.' },
    ALLOW_ANY: { description: 'Anybody may.' },
    DENY_ANY: { description: 'Nobody may.' },
  } satisfies Values<AllowType>,
});

export const AdminForbidTypeType = builder.enumType('AdminForbidType', {
  description: 'What the app’s administrators forbid this user.',
  values: {
    NONE: { description: 'Nothing.' },
    SEND_OUT: { description: 'Sending friend requests.' },
  } satisfies Values<AdminForbidType>,
});

export const FollowRelationType = builder.enumType('FollowRelation', {
  description: 'How one user stands to another, from the first one’s point of view.',
  values: {
    NONE: { description: 'Neither follows the other.' },
    FAN: { description: 'The other one follows this user.' },
    FOLLOWING: { description: 'This user follows the other one.' },
    MUTUAL: { description: 'Both follow each other.' },
  } satisfies Values<FollowRelation>,
});
