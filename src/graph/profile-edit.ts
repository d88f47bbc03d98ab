// What viewers set of their own profiles.
import { GatewayError } from '../errors.ts';
import type { ProfileEdit } from '../follow/model.ts';
import { builder, NULL_ON_ERROR } from './builder.ts';
import { price } from './cost.ts';
import { VALUE_FIELDS } from './profile.ts';
import { COMMON_REASONS, messageOf, reasonOf } from './target-results.ts';
import { VIEWER_NOW } from './user.ts';

const { INVALID_ID: _, ...COMMON } = COMMON_REASONS;
const REASONS = {
  ...COMMON,
  NOT_EDITABLE: { description: 'The deployment does not let viewers set this field.' },
  TOO_LONG: { description: 'It takes more bytes than the upstream keeps: 500, or 16 for a location.' },
  INVALID_VALUE: { description: 'This cannot be the value of the field.' },
} as const;
type Failure = { field: string | null; reason: keyof typeof REASONS; message: string };

const ReasonType = builder.enumType('ProfileFailureReason', {
  description: 'Why a profile was not changed.',
  values: REASONS,
});

const FailureType = builder.objectRef<Failure>('ProfileFailure').implement({
  description: 'Why a profile was not changed: no field of it was.',
  fields: (t) => ({
    field: t.exposeString('field', {
      description:
        'The field of the input that is to blame, a custom one as `Tag_Profile_Custom_Team`; null when it is none of them.',
    }),
    reason: t.expose('reason', { type: ReasonType, nullable: false, description: 'Why.' }),
    message: t.exposeString('message', { nullable: false, description: 'Why, in words for a developer.' }),
  }),
});

const CustomFieldInputType = builder.inputType('CustomFieldInput', {
  description: 'A profile field of the app’s own that is to be set.',
  fields: (t) => ({
    key: t.string({ required: true, description: 'The key, without the `Tag_Profile_Custom_` prefix.' }),
    value: t.string({ required: true, description: 'The value, at most 500 bytes.' }),
  }),
});

const InputType = builder.inputType('UpdateProfileInput', {
  description:
    'The input of `updateProfile`. What is left out stays as it is, and null unsets: a number is 0 then, a gender `UNKNOWN`, and neither `allowType` nor `adminForbidType` takes it. Texts have at most 500 bytes in UTF-8, a location 16, and an avatar is an absolute `http` or `https` address.',
  fields: (t) => ({
    ...Object.fromEntries(VALUE_FIELDS.map(([field, type, description]) => [field, t.field({ type, description })])),
    customFields: t.field({ type: [CustomFieldInputType], description: 'Fields of the app’s own, each key once.' }),
  }),
});

const PayloadType = builder.objectRef<{ failures: readonly Failure[] }>('UpdateProfilePayload').implement({
  description: 'The answer of `updateProfile`.',
  fields: (t) => ({
    failures: t.expose('failures', {
      type: [FailureType],
      nullable: false,
      description: 'Why nothing was changed; empty when all of it is done.',
    }),
    viewer: t.field(VIEWER_NOW),
  }),
});

builder.mutationField('updateProfile', (t) =>
  t.field({
    type: PayloadType,
    description:
      'Sets fields of the viewer’s own profile: all that are given, or none. The next read shows it in every list, on every replica.',
    args: { input: t.arg({ type: InputType, required: true, description: 'What to set.' }) },
    complexity: price(1),
    directives: NULL_ON_ERROR,
    resolve: (_root, { input: { customFields, ...fields } }, { settings, write }) =>
      write(async ({ profiles }, viewerId, call) => {
        const edits: ProfileEdit[] = [
          ...Object.entries(fields).map(([field, value]) => ({ field, value })),
          ...(customFields ?? []).map(({ key, value }) => ({ field: `Tag_Profile_Custom_${key}`, value })),
        ];
        if (edits.length === 0)
          throw new GatewayError('BAD_USER_INPUT', 'Name at least one field. Nothing was changed.');
        const reasonAgainst = (edit: ProfileEdit) => {
          if (!settings.profileEditableFields.includes(edit.field)) return 'NOT_EDITABLE';
          const isRepeated = edits.some((other) => other !== edit && other.field === edit.field);
          return isRepeated ? 'INVALID_VALUE' : profiles.faultOf(edit);
        };
        const failures = edits.flatMap((edit): Failure[] => {
          const reason = reasonAgainst(edit);
          const field = edit.field.slice(0, 60).toWellFormed();
          return reason ? [{ field, reason, message: REASONS[reason].description }] : [];
        });
        const error = failures.length === 0 && (await profiles.change(viewerId, edits, call));
        if (error) failures.push({ field: null, reason: reasonOf(error), message: messageOf(error) });
        return { failures };
      }),
  }),
);
