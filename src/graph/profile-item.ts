import type { Profile, ProfileItem } from '../follow/model.ts';
import { builder } from './builder.ts';

export const CustomFieldType = builder.objectRef<Profile['customFields'][number]>('CustomField').implement({
  description: "A profile field of the app's own (`Tag_Profile_Custom_*`).",
  fields: (t) => ({
    key: t.exposeString('key', { nullable: false, description: 'The key, without the `Tag_Profile_Custom_` prefix.' }),
    value: t.exposeString('value', { nullable: false, description: 'The value.' }),
  }),
});

export const ProfileItemType = builder.objectRef<ProfileItem>('ProfileItem').implement({
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
