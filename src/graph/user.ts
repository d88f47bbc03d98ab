// The user, and the ways to one. A user is a handle: it costs no upstream call until a field is asked for that needs one.
import type { Context } from '../context.ts';
import type { UserHandle, UserId } from '../follow/model.ts';
import { builder } from './builder.ts';
import { USER_PRICE, USERS_PRICE } from './cost.ts';
import { ITEMS_NULL_ON_ERROR, NULL_ON_ERROR } from './null-on-error.ts';
import { handleOf, handlesOf, MAX_LOOKUP } from './user-handle.ts';

const NodeType = builder.interfaceRef<UserHandle>('Node').implement({
  description: 'Anything that can be fetched again by its id. Users are the only such thing.',
  resolveType: () => 'User',
  fields: (t) => ({
    id: t.exposeID('id', { nullable: false, description: 'The id, unique over all types.' }),
  }),
});

export const UserType = builder.objectRef<UserHandle>('User').implement({
  description:
    'An account of the app. Profile fields are null when the user has not set them, or when their value cannot be read.',
  interfaces: [NodeType],
  directives: { key: { fields: 'id' } },
  fields: (t) => ({
    id: t.exposeID('id', { nullable: false, description: "The account's UserID." }),
  }),
});

/** A field with a user of whom the id is known. */
export const userField = <Parent>(description: string, idOf: (parent: Parent) => UserId) => ({
  ...{ type: UserType, nullable: false as const, description, complexity: USER_PRICE },
  resolve: (parent: Parent): UserHandle => ({ id: idOf(parent), profile: null }),
});

/** The field of a mutation's answer with the viewer. */
export const VIEWER_NOW = {
  ...{ type: UserType, description: 'The viewer as they are now.', complexity: USER_PRICE, directives: NULL_ON_ERROR },
  resolve: (_payload: object, _args: object, { viewer }: Context) => viewer && { id: viewer.userId, profile: null },
};

const COSTS_NOTHING = 'Costs nothing by itself: whether the user exists shows when a field needs to know.';

builder.queryFields((t) => ({
  node: t.field({
    type: NodeType,
    description: `The node with this id. ${COSTS_NOTHING}`,
    args: { id: t.arg.id({ required: true, description: 'The id of a node: a UserID.' }) },
    complexity: USER_PRICE,
    directives: NULL_ON_ERROR,
    resolve: (_root, { id }, context) => handleOf(id, context),
  }),
  nodes: t.field({
    type: [NodeType],
    nullable: { list: false, items: true },
    description: `The nodes with these ids, in their order; at most ${MAX_LOOKUP}.`,
    args: { ids: t.arg.idList({ required: true, description: 'Ids of nodes: UserIDs.' }) },
    complexity: USERS_PRICE,
    directives: ITEMS_NULL_ON_ERROR,
    resolve: (_root, { ids }, context) => handlesOf(ids, context),
  }),
  user: t.field({
    type: UserType,
    description: `The user with this id. ${COSTS_NOTHING}`,
    args: { id: t.arg.id({ required: true, description: 'The UserID.' }) },
    complexity: USER_PRICE,
    directives: NULL_ON_ERROR,
    resolve: (_root, { id }, context) => handleOf(id, context),
  }),
  users: t.field({
    type: [UserType],
    nullable: { list: false, items: true },
    description: `The users with these ids, in their order; at most ${MAX_LOOKUP}.`,
    args: { ids: t.arg.idList({ required: true, description: 'UserIDs.' }) },
    complexity: USERS_PRICE,
    directives: { ...ITEMS_NULL_ON_ERROR, listSize: { assumedSize: MAX_LOOKUP } },
    resolve: (_root, { ids }, context) => handlesOf(ids, context),
  }),
  viewer: t.field({
    type: UserType,
    description: 'The viewer; null for an anonymous request. Credentials that do not hold are refused with HTTP 401.',
    complexity: USER_PRICE,
    resolve: (_root, _args, { viewer }) => viewer && { id: viewer.userId, profile: null },
  }),
}));
