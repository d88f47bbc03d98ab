// The user, and the ways to one. A user is a handle: it costs no upstream call until a field is asked for that needs one.
import type { Context } from '../context.ts';
import { GatewayError } from '../errors.ts';
import { isUserId, MAX_USER_ID_BYTES, type UserHandle, type UserId } from '../follow/model.ts';
import { builder, ITEMS_NULL_ON_ERROR, NULL_ON_ERROR } from './builder.ts';
import { USER_PRICE, USERS_PRICE } from './cost.ts';

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

/** The largest number of ids in one field. */
export const MAX_LOOKUP = 100;

/** An id as an answer shows it, whatever length a client gave it. */
export const shownId = (id: string): string => (id.length > 40 ? `${id.slice(0, 40)}…` : id).toWellFormed();

/** Throws `BAD_USER_INPUT` when `id` cannot be a UserID at all. */
export function checkUserId(id: string, { userIdPattern }: Context['settings']): void {
  if (isUserId(id) && userIdPattern.test(id)) return;
  throw new GatewayError(
    'BAD_USER_INPUT',
    `${JSON.stringify(shownId(id))} cannot be a user id: it must match ${userIdPattern.source} and take at most ${MAX_USER_ID_BYTES} bytes.`,
  );
}

/** Throws `BAD_USER_INPUT` when these cannot be the users of a subscription. */
export function checkUserIds(ids: readonly string[], settings: Context['settings']): void {
  if (ids.length === 0 || ids.length > MAX_LOOKUP)
    throw new GatewayError('BAD_USER_INPUT', `Name 1 to ${MAX_LOOKUP} users, not ${ids.length}.`);
  for (const id of ids) checkUserId(id, settings);
}

/** A handle for `id`, whether or not there is such an account: that shows when a field needs to know. */
export function handleOf(id: string, { settings }: Context): UserHandle {
  checkUserId(id, settings);
  return { id, profile: null };
}

/** Handles in the order of `ids`. A malformed id fails in its own place; the others answer. */
export function handlesOf(ids: readonly string[], context: Context): UserHandle[] {
  if (ids.length > MAX_LOOKUP)
    throw new GatewayError('BAD_USER_INPUT', `${ids.length} ids are too many: ask for at most ${MAX_LOOKUP} at once.`);
  // graphql-js takes an error in a list as the failure of that item alone, which Pothos' types do not say.
  return ids.map((id) => valueOrError(() => handleOf(id, context)) as UserHandle);
}

export function valueOrError<T>(read: () => T): T | GatewayError {
  try {
    return read();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
}

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
