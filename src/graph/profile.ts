// What a user's profile shows.
import type { Context } from '../context.ts';
import { GatewayError } from '../errors.ts';
import type { AdminForbidType, AllowType, Gender, Profile, ProfileItem, UserHandle } from '../follow/model.ts';
import { andThen } from '../follow/services.ts';
import { builder, NULL_ON_ERROR } from './builder.ts';
import { price } from './cost.ts';
import { UserType } from './user.ts';

const GenderType = builder.enumType('Gender', {
  description: "A user's gender, as the profile states it.",
  values: {
    UNKNOWN: { description: 'Set to unknown.' },
    FEMALE: { description: 'Female.' },
    MALE: { description: 'Male.' },
  } satisfies Record<Gender, { description: string }>,
});

const AllowTypeType = builder.enumType('AllowType', {
  description: 'Who may add this user as a friend. It does not concern follows.',
  values: {
    NEED_CONFIRM: { description: 'A request needs the user’s consent.' },
    ALLOW_ANY: { description: 'Anybody may.' },
    DENY_ANY: { description: 'Nobody may.' },
  } satisfies Record<AllowType, { description: string }>,
});

const AdminForbidTypeType = builder.enumType('AdminForbidType', {
  description: 'What the app’s administrators forbid this user.',
  values: {
    NONE: { description: 'Nothing.' },
    SEND_OUT: { description: 'Sending friend requests.' },
  } satisfies Record<AdminForbidType, { description: string }>,
});

const CustomFieldType = builder.objectRef<Profile['customFields'][number]>('CustomField').implement({
  description: "A profile field of the app's own (`Tag_Profile_Custom_*`).",
  fields: (t) => ({
    key: t.exposeString('key', { nullable: false, description: 'The key, without the `Tag_Profile_Custom_` prefix.' }),
    value: t.exposeString('value', { nullable: false, description: 'The value.' }),
  }),
});

const ProfileItemType = builder.objectRef<ProfileItem>('ProfileItem').implement({
  description: 'A raw profile item, as Tencent Cloud Chat keeps it.',
  fields: (t) => ({
    tag: t.exposeString('tag', { nullable: false, description: 'The tag, for example `Tag_Profile_IM_Nick`.' }),
    value: t.expose('value', {
      type: 'ProfileValue',
      nullable: false,
      description: 'The value: a string or a number.',
    }),
  }),
});

/** Reads from the profile that came along with the user; asks for one when none did. */
const profileValue =
  <Key extends keyof Profile>(key: Key) =>
  ({ id, profile }: UserHandle, _args: object, { load }: Context): Profile[Key] | Promise<Profile[Key]> =>
    profile ? profile[key] : andThen(load.profile(id), (read) => read[key]);

/** Reads entries of a profile that lacks none. Those that are wanted must not be of a tag that the app does not have. */
function entriesOf<T>(
  { id, profile }: UserHandle,
  context: Context,
  tags: readonly string[] | null | undefined,
  read: (profile: Profile) => T[],
): T[] | Promise<T[]> {
  return andThen(profile ?? context.load.profile(id), (whole) => {
    const refused = tags?.find((tag) => context.refusedTags().includes(tag));
    if (refused === undefined) return read(whole);
    throw new GatewayError(
      'UPSTREAM_MISCONFIGURED',
      `The app has no profile field "${refused}", although the gateway is configured to ask for it.`,
    );
  });
}

/** How many entries a list of a profile is taken to have. */
const LIST_PRICE = price(0, () => 25);
/** What concerns the app and who runs it more than its users, so that a contract can leave it out by one name. */
const INTERNAL = { tag: { name: 'internal' } };

const RAW = 'is null here, and raw in `profileItems`.';

/** The fields of one value: its type, what it is, also where it is set, and what else is to be said where it is read. */
export const VALUE_FIELDS = [
  ['nick', 'String', 'The name to show.'],
  ['avatar', 'URL', 'The picture to show.', ` A value that is no absolute web address ${RAW}`],
  ['gender', GenderType, 'The gender.'],
  ['birthday', 'Date', 'The date of birth.', ` A value that is no calendar date ${RAW}`],
  ['location', 'String', 'The place, in whatever form the app uses.'],
  ['selfSignature', 'String', 'What the user says about themself.'],
  ['language', 'Int', 'The language, a number of the app’s own.'],
  ['level', 'Int', 'The level, a number of the app’s own.'],
  ['role', 'Int', 'The role, a number of the app’s own.'],
  ['allowType', AllowTypeType, 'Who may add this user as a friend.'],
  ['adminForbidType', AdminForbidTypeType, 'What the app’s administrators forbid this user.'],
  ['messageSettings', 'Int', 'Message settings, a bit field: 1 means that the user receives no messages.'],
] as const satisfies readonly (readonly [keyof Profile, ...unknown[]])[];

const INTERNAL_FIELDS: readonly string[] = ['role', 'adminForbidType', 'messageSettings'];

for (const [field, type, description, more = ''] of VALUE_FIELDS) {
  const directives = INTERNAL_FIELDS.includes(field) ? INTERNAL : {};
  builder.objectField(UserType, field, (t) =>
    t.field({ type, description: description + more, directives, resolve: profileValue(field) }),
  );
}

builder.objectFields(UserType, (t) => ({
  customFields: t.field({
    type: [CustomFieldType],
    description:
      'The profile fields of the app’s own that this user has set: all of them for a member of a list, elsewhere those that the gateway is configured to ask for.',
    args: { keys: t.arg.stringList({ description: 'Only these keys, without the `Tag_Profile_Custom_` prefix.' }) },
    complexity: LIST_PRICE,
    directives: NULL_ON_ERROR,
    resolve: (user, { keys }, context) => {
      const tags = keys?.map((key) => `Tag_Profile_Custom_${key}`);
      return entriesOf(user, context, tags, ({ customFields }) =>
        customFields.filter(({ key }) => keys?.includes(key) ?? true),
      );
    },
  }),
  profileItems: t.field({
    type: [ProfileItemType],
    description:
      'The raw profile items of this user, including those that have a field of their own. As for `customFields`, a member of a list may show more of the app’s own.',
    args: { tags: t.arg.stringList({ description: 'Only these tags.' }) },
    complexity: LIST_PRICE,
    directives: { ...NULL_ON_ERROR, ...INTERNAL },
    resolve: (user, { tags }, context) =>
      entriesOf(user, context, tags, ({ items }) => items.filter(({ tag }) => tags?.includes(tag) ?? true)),
  }),
}));
