import { builder } from './builder.ts';
import { UserType } from './user.ts';

builder.queryField('viewer', (t) =>
  t.field({
    type: UserType,
    description: 'Who asks; null for an anonymous request. Credentials that do not hold are refused with HTTP 401.',
    resolve: (_root, _args, { viewer }) => viewer && { id: viewer.userId, profile: null },
  }),
);
