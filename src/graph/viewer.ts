import { builder } from './builder.ts';
import { USER_PRICE } from './cost.ts';
import { UserType } from './user.ts';

builder.queryField('viewer', (t) =>
  t.field({
    type: UserType,
    description: 'Who asks; null for an anonymous request. Credentials that do not hold are refused with HTTP 401.',
    complexity: USER_PRICE,
    resolve: (_root, _args, { viewer }) => viewer && { id: viewer.userId, profile: null },
  }),
);
