import type { Context } from '../context.ts';
import { GatewayError } from '../errors.ts';
import type { FollowList, Profile, UserHandle, UserId } from '../follow/model.ts';
import { andThen } from './and-then.ts';
import { builder } from './builder.ts';
import { PER_CALL, price, USER_PRICE, USERS_PRICE } from './cost.ts';
import { AdminForbidTypeType, AllowTypeType, GenderType } from './enums.ts';
import { NodeType } from './node.ts';
import { CustomFieldType, ProfileItemType } from './profile-item.ts';
import { handleOf, handlesOf, MAX_LOOKUP } from './user-handle.ts';

/** What concerns the app and who runs it more than its users, so that a contract can leave it out by one name. */
const INTERNAL = 'internal';

const CUSTOM_TAG = 'Tag_Profile_Custom_';

/** Reads from the profile that came along with the user; asks for one when none did, or when it may lack the value. */
function profileField<T>(read: (profile: Profile) => T) {
  return {
    resolve: ({ id, profile }: UserHandle, _args: object, context: Context): T | Promise<T> => {
      const known = profile && read(profile);
      if (profile?.whole || known != null) return known as T;
      return andThen(context.load.profile(id), read);
    },
  };
}

/** Reads a list from a profile that lacks nothing. */
function fromWholeProfile<T>(
  { id, profile }: UserHandle,
  context: Context,
  read: (profile: Profile) => T,
): T | Promise<T> {
  return profile?.whole ? read(profile) : andThen(context.load.profile(id), read);
}

/** Reads one of the counts of a user. */
export function countField<Source>(countOf: (source: Source) => [UserId, FollowList]) {
  return {
    complexity: price(1 / PER_CALL.counts),
    cost: 1,
    resolve: (source: Source, _args: object, { load }: Context): number | Promise<number> => {
      const [userId, list] = countOf(source);
      return andThen(load.counts(userId), (counts) => counts[list]);
    },
  };
}

/** How many entries a list of a profile is taken to have. */
const LIST_PRICE = price(0, () => 25);

function checkKnown(tags: readonly string[], context: Context) {
  const refused = tags.find((tag) => context.refusedTags().includes(tag));
  if (!refused) return;
  throw new GatewayError(
    'UPSTREAM_MISCONFIGURED',
    `The app has no profile field "${refused}", although the gateway is configured to ask for it.`,
  );
}

export const UserType = builder.objectRef<UserHandle>('User').implement({
  description:
    'An account of the app. Profile fields are null when the user has not set them, or when their value cannot be read.',
  interfaces: [NodeType],
  directives: [{ name: 'key', args: { fields: 'id' } }],
  fields: (t) => ({
    id: t.exposeID('id', { nullable: false, description: "The account's UserID." }),
    nick: t.string({
      description: 'The name to show.',
      ...profileField(({ nick }) => nick),
    }),
    avatar: t.field({
      type: 'URL',
      description:
        'The picture to show. A value that is no absolute web address is null here, and raw in `profileItems`.',
      ...profileField(({ avatar }) => avatar),
    }),
    gender: t.field({
      type: GenderType,
      description: 'The gender.',
      ...profileField(({ gender }) => gender),
    }),
    birthday: t.field({
      type: 'Date',
      description: 'The date of birth. A value that is no calendar date is null here, and raw in `profileItems`.',
      ...profileField(({ birthday }) => birthday),
    }),
    location: t.string({
      description: 'The place, in whatever form the app uses.',
      ...profileField(({ location }) => location),
    }),
    selfSignature: t.string({
      description: 'What the user says about themself.',
      ...profileField(({ selfSignature }) => selfSignature),
    }),
    language: t.int({
      description: 'The language, a number of the app’s own.',
      ...profileField(({ language }) => language),
    }),
    level: t.int({
      description: 'The level, a number of the app’s own.',
      ...profileField(({ level }) => level),
    }),
    role: t.int({
      description: 'The role, a number of the app’s own.',
      tag: INTERNAL,
      ...profileField(({ role }) => role),
    }),
    allowType: t.field({
      type: AllowTypeType,
      description: 'Who may add this user as a friend.',
      ...profileField(({ allowType }) => allowType),
    }),
    adminForbidType: t.field({
      type: AdminForbidTypeType,
      description: 'What the app’s administrators forbid this user.',
      tag: INTERNAL,
      ...profileField(({ adminForbidType }) => adminForbidType),
    }),
    messageSettings: t.int({
      description: 'Message settings, a bit field: 1 means that the user receives no messages.',
      tag: INTERNAL,
      ...profileField(({ messageSettings }) => messageSettings),
    }),
    customFields: t.field({
      type: [CustomFieldType],
      nullable: true,
      description:
        'The profile fields of the app’s own that this user has set: all of them for a member of a list, elsewhere those that the gateway is configured to ask for.',
      complexity: LIST_PRICE,
      args: { keys: t.arg.stringList({ description: 'Only these keys, without the `Tag_Profile_Custom_` prefix.' }) },
      resolve: (user, { keys }, context) =>
        fromWholeProfile(user, context, (profile) => {
          checkKnown(keys?.map((key) => CUSTOM_TAG + key) ?? [], context);
          return profile.customFields.filter(({ key }) => keys?.includes(key) ?? true);
        }),
    }),
    profileItems: t.field({
      type: [ProfileItemType],
      nullable: true,
      description:
        'The raw profile items of this user, including those that have a field of their own. As for `customFields`, a member of a list may show more of the app’s own.',
      complexity: LIST_PRICE,
      tag: INTERNAL,
      args: { tags: t.arg.stringList({ description: 'Only these tags.' }) },
      resolve: (user, { tags }, context) =>
        fromWholeProfile(user, context, (profile) => {
          checkKnown(tags ?? [], context);
          return profile.items.filter(({ tag }) => tags?.includes(tag) ?? true);
        }),
    }),
  }),
});

builder.queryField('user', (t) =>
  t.field({
    type: UserType,
    description:
      'The user with this id. Costs nothing by itself: whether the user exists shows when a field needs to know.',
    args: { id: t.arg.id({ required: true, description: 'The UserID.' }) },
    complexity: USER_PRICE,
    resolve: (_root, { id }, context) => handleOf(id, context),
  }),
);

builder.queryField('users', (t) =>
  t.field({
    type: [UserType],
    nullable: { list: false, items: true },
    description: `The users with these ids, in their order; at most ${MAX_LOOKUP}.`,
    args: { ids: t.arg.idList({ required: true, description: 'UserIDs.' }) },
    complexity: USERS_PRICE,
    listSize: { assumedSize: MAX_LOOKUP },
    // graphql-js takes an error in a list as the failure of that item alone, which Pothos' types do not say.
    resolve: (_root, { ids }, context) => handlesOf(ids, context) as (UserHandle | null)[],
  }),
);
