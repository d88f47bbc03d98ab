import type { UserHandle } from '../follow/model.ts';
import { builder } from './builder.ts';
import { USER_PRICE, USERS_PRICE } from './cost.ts';
import { handleOf, handlesOf, MAX_LOOKUP } from './user-handle.ts';

export const NodeType = builder.interfaceRef<UserHandle>('Node').implement({
  description: 'Anything that can be fetched again by its id. Users are the only such thing.',
  resolveType: () => 'User',
  fields: (t) => ({
    id: t.exposeID('id', { nullable: false, description: 'The id, unique over all types.' }),
  }),
});

builder.queryField('node', (t) =>
  t.field({
    type: NodeType,
    description:
      'The node with this id. Costs nothing by itself: whether the user exists shows when a field needs to know.',
    args: { id: t.arg.id({ required: true, description: 'The id of a node: a UserID.' }) },
    complexity: USER_PRICE,
    resolve: (_root, { id }, context) => handleOf(id, context),
  }),
);

builder.queryField('nodes', (t) =>
  t.field({
    type: [NodeType],
    nullable: { list: false, items: true },
    description: `The nodes with these ids, in their order; at most ${MAX_LOOKUP}.`,
    args: { ids: t.arg.idList({ required: true, description: 'Ids of nodes: UserIDs.' }) },
    complexity: USERS_PRICE,
    // graphql-js takes an error in a list as the failure of that item alone, which Pothos' types do not say.
    resolve: (_root, { ids }, context) => handlesOf(ids, context) as (UserHandle | null)[],
  }),
);
