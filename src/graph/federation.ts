// What Apollo Federation asks of a subgraph: its SDL, and users by reference.
import { getDocumentNodeFromSchema } from '@graphql-tools/utils';
import {
  extendSchema,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLSchema,
  type GraphQLUnionType,
  Kind,
  type NameNode,
  parse,
  print,
  visit,
} from 'graphql';
import type { Context } from '../context.ts';
import { GatewayError } from '../errors.ts';
import type { UserHandle } from '../follow/model.ts';
import { PER_CALL, price } from './cost.ts';
import { type EntityNames, OWN_NAMES, withNames } from './entity.ts';
import { createSchema } from './schema.ts';
import { handleOf, valueOrError } from './user-handle.ts';

/** The most references in one `_entities` field. A router sends all that a client's query needs in one. */
export const MAX_REPRESENTATIONS = 1000;

export type ServedOptions = {
  names?: EntityNames;
  /** Whether `_service` shows the SDL: it says as much as introspection does. */
  introspection: boolean;
};

type References = { representations: readonly unknown[] };
type FederationFields = Record<'_entities' | '_service', GraphQLField<unknown, Context>>;

/** What routers ask for, beside the clients' schema. */
const FOR_ROUTERS = parse(`
  scalar _Any
  union _Entity = ${OWN_NAMES.type}
  type _Service { sdl: String }
  extend type Query {
    _entities(representations: [_Any!]!): [_Entity]!
    _service: _Service!
  }
`);
/** The lowest version that has all of these directives. */
const LINK = parse(
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@cost", "@key", "@listSize", "@shareable", "@tag"])',
);

/** The schema that is executed: the clients' one with the entity's names, and with what routers ask for. */
export function createServedSchema({ names = OWN_NAMES, introspection }: ServedOptions): GraphQLSchema {
  const clients = createSchema();
  const schema = withNames(extendSchema(clients, FOR_ROUTERS), names);
  // Extending drops it.
  schema.description = clients.description;
  const entity = schema.getType('_Entity') as GraphQLUnionType;
  entity.resolveType = () => names.type;
  const query = schema.getQueryType() as GraphQLObjectType;
  const { _entities, _service } = query.getFields() as FederationFields;
  let sdl: string | undefined;
  _service.extensions = { complexity: 0 };
  _service.resolve = () => {
    if (!introspection)
      throw new GatewayError('FORBIDDEN', 'The schema is not shown here: publish it from schema/subgraph.graphql.');
    sdl ??= printSubgraphSdl(names);
    return { sdl };
  };
  _entities.extensions = {
    complexity: price<References>(
      ({ representations }) => representations.length / PER_CALL.profiles,
      ({ representations }) => representations.length,
    ),
  };
  _entities.resolve = ((_source, { representations }, context) => {
    if (representations.length > MAX_REPRESENTATIONS)
      throw new GatewayError(
        'BAD_USER_INPUT',
        `${representations.length} representations are too many: ask for at most ${MAX_REPRESENTATIONS} at once.`,
      );
    // graphql-js takes an error in a list as the failure of that item alone.
    return representations.map((representation) => resolveReference(representation, names, context));
  }) satisfies GraphQLFieldResolver<unknown, Context, References>;
  return schema;
}

/** A handle for the user that a reference names, or the reason why there is none. */
function resolveReference(representation: unknown, { type, key }: EntityNames, context: Context): UserHandle | Error {
  const { __typename, [key]: id } = (representation ?? {}) as Record<string, unknown>;
  if (__typename !== type)
    return new GatewayError('BAD_USER_INPUT', `A representation must have "${type}" as its "__typename".`);
  // As for an argument of type ID.
  const text = Number.isInteger(id) ? String(id) : id;
  if (typeof text !== 'string')
    return new GatewayError('BAD_USER_INPUT', `A representation of "${type}" must have a string as its "${key}".`);
  return valueOrError(() => handleOf(text, context));
}

/**
 * What `_service { sdl }` shows: the schema for composition, under these names, and without what a supergraph has for
 * itself: it has a `node` of its own, or none, and its `Node` may ask for more than ours. Users alone have an `id`, and
 * a key.
 */
export function printSubgraphSdl({ type, key }: EntityNames = OWN_NAMES): string {
  const named = <N extends { readonly name: NameNode }>(node: N, from: string, to: string): N =>
    node.name.value === from ? { ...node, name: { ...node.name, value: to } } : node;
  const document = visit(getDocumentNodeFromSchema(createSchema()), {
    SchemaDefinition: () => null,
    InterfaceTypeDefinition: ({ name }) => (name.value === 'Node' ? null : undefined),
    ObjectTypeDefinition: (node) => named(node, OWN_NAMES.type, type),
    NamedType: (node) => (node.name.value === 'Node' ? null : named(node, OWN_NAMES.type, type)),
    FieldDefinition: (node) => (/\bNode\b/.test(print(node.type)) ? null : named(node, OWN_NAMES.key, key)),
    Directive: (node) => {
      if (node.name.value !== 'key') return undefined;
      return {
        ...node,
        arguments: node.arguments?.map((fields) => ({ ...fields, value: { kind: Kind.STRING, value: key } })),
      };
    },
  });
  return `${print(LINK)}\n\n${print(document)}\n`;
}
