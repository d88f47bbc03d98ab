// Whether users are online, for viewers who may see it.
import type { Context } from '../context.ts';
import { GatewayError, outcomeOf } from '../errors.ts';
import type { PresenceEvent } from '../follow/events.ts';
import { PER_CALL, type Presence, type PresenceStatus, type UserHandle } from '../follow/model.ts';
import { andThen } from '../follow/services.ts';
import { builder, timeField } from './builder.ts';
import { price } from './cost.ts';
import { checkUserIds, MAX_LOOKUP, UserType, userField } from './user.ts';

/** The rule of the setting `PRESENCE_VISIBILITY`. */
function maySee({ id, memberOf }: UserHandle, context: Context): boolean | Promise<boolean> {
  const rule = context.settings.presenceVisibility;
  if (rule === 'public') return true;
  const { viewer, load } = context;
  if (!viewer || viewer.userId === id) return viewer !== null;
  if (rule !== 'mutuals') return rule === 'authenticated';
  if (memberOf?.userId === viewer.userId && memberOf.list === 'mutuals') return true;
  return andThen(load.relation(viewer.userId, id), (relation) => relation === 'MUTUAL');
}

const PresenceStatusType = builder.enumType('PresenceStatus', {
  description: 'Whether a user is online.',
  values: {
    ONLINE: { description: 'Some device is connected.' },
    PUSH_ONLINE: { description: 'None is connected, but one can be reached by push.' },
    OFFLINE: { description: 'Logged out, or silent for days.' },
  } satisfies Record<PresenceStatus, { description: string }>,
});

const PresenceType = builder.objectRef<Presence>('Presence').implement({
  description: 'Whether and by what a user is online.',
  fields: (t) => ({
    status: t.expose('status', { type: PresenceStatusType, nullable: false, description: 'Whether they are online.' }),
    platforms: t.exposeStringList('platforms', {
      nullable: false,
      description:
        'What they can be reached by: `iPhone`, `Android`, `Web`, `PC`, `iPad`, `Mac`, or whatever the upstream adds.',
    }),
  }),
});

builder.objectField(UserType, 'presence', (t) =>
  t.field({
    type: PresenceType,
    description:
      'Whether the user is online; an answer is fresh for ten seconds. Null where the deployment does not let the viewer see it: by default mutuals alone do.',
    complexity: price((_args, { presenceVisibility }) => {
      return 1 / PER_CALL.presences + (presenceVisibility === 'mutuals' ? 1 / PER_CALL.relations : 0);
    }),
    directives: { cost: { weight: 1 } },
    resolve(user, _args, context): Presence | null | Promise<Presence | null> {
      return andThen(maySee(user, context), (isShown) => (isShown ? context.load.presence(user.id) : null));
    },
  }),
);

const PresenceChangedType = builder.objectRef<PresenceEvent>('PresenceChanged').implement({
  description: 'The presence of a user has changed.',
  fields: (t) => ({
    user: t.field(userField('The user as they are now.', ({ userId }) => userId)),
    at: t.field(timeField('When it was heard of.')),
  }),
});

builder.subscriptionField('presenceChanged', (t) =>
  t.field({
    type: PresenceChangedType,
    nullable: false,
    description:
      'Changes of the presence of some users, as far as the viewer may see it at that time. It cannot be resumed: read again after a break.',
    args: { userIds: t.arg.idList({ required: true, description: `UserIDs: at least one, at most ${MAX_LOOKUP}.` }) },
    subscribe(_root, { userIds }, context) {
      const { settings, viewer, subscriptions, load } = context;
      checkUserIds(userIds, settings);
      if (!viewer && settings.presenceVisibility !== 'public')
        throw new GatewayError('FORBIDDEN', 'You may not see who is online. Logging in may help.');
      const lastShown = new Map<string, string>();
      return subscriptions.presenceEvents(userIds, async ({ userId }) => {
        const isShown = await outcomeOf(() => maySee({ id: userId, profile: null }, context));
        if (isShown !== true) return false;
        const presence = await outcomeOf(() => load.presence(userId));
        // A viewer who may see it learns from the field why it cannot be read.
        if (presence instanceof GatewayError) return true;
        // One of several devices may come or go without a change.
        const isNew = lastShown.get(userId) !== JSON.stringify(presence);
        lastShown.set(userId, JSON.stringify(presence));
        return isNew;
      });
    },
    resolve: (event) => event,
  }),
);
