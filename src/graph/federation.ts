// What Apollo Federation asks of a subgraph: its SDL, and users by reference.
import { getDocumentNodeFromSchema, MapperKind, mapSchema } from '@graphql-tools/utils';
import {
  extendSchema,
  type GraphQLField,
  type GraphQLFieldResolver,
  GraphQLInterfaceType,
  GraphQLObjectType,
  type GraphQLSchema,
  type GraphQLUnionType,
  parse,
  print,
  visit,
} from 'graphql';
import type { Context } from '../context.ts';
import { ConfigError, GatewayError } from '../errors.ts';
import type { UserHandle } from '../follow/model.ts';
import { priceOfUsers } from './cost.ts';
import { createSchema } from './schema.ts';
import { handleOf, valueOrError } from './user.ts';

/** What a supergraph calls a user, and the field that it knows one by. */
export type EntityNames = { readonly type: string; readonly key: string };

/** What we call them ourselves. */
export const OWN_NAMES: EntityNames = { type: 'User', key: 'id' };

/** The most references in one `_entities` field. A router sends all that a client's query needs in one. */
export const MAX_REPRESENTATIONS = 1000;

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

/**
 * The schema that is executed: the clients' one with the entity's names, and with what routers ask for. `_service` says
 * as much as introspection does, and is closed with it.
 */
export function createServedSchema(names: EntityNames, introspection: boolean): GraphQLSchema {
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
    complexity: priceOfUsers<References>(({ representations }) => representations.length),
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

/** The schema with users under these names, or `ConfigError`. `id` stays beside another key: `Node` needs it. */
export function withNames(schema: GraphQLSchema, names: EntityNames): GraphQLSchema {
  const { type, key } = names;
  if (type === OWN_NAMES.type && key === OWN_NAMES.key) return schema;
  refuseTaken(schema, names);
  return mapSchema(schema, {
    [MapperKind.OBJECT_TYPE](object) {
      if (object.name !== OWN_NAMES.type) return undefined;
      const { fields, extensions, ...config } = object.toConfig();
      const keyField = fields.id && { [key]: { ...fields.id, resolve: (user: UserHandle) => user.id } };
      return new GraphQLObjectType({
        ...config,
        name: type,
        fields: { ...fields, ...keyField },
        // Directives are printed from both.
        astNode: null,
        extensions: { ...extensions, directives: { key: { fields: key } } },
      });
    },
    // Users are the only nodes, and the only entities.
    [MapperKind.INTERFACE_TYPE](object) {
      return object.name === 'Node'
        ? new GraphQLInterfaceType({ ...object.toConfig(), resolveType: () => type })
        : undefined;
    },
  });
}

/** Only the schema can tell which names are taken. */
function refuseTaken(schema: GraphQLSchema, { type, key }: EntityNames): void {
  const users = schema.getType(OWN_NAMES.type) as GraphQLObjectType;
  const problems: string[] = [];
  if (type !== OWN_NAMES.type && schema.getType(type))
    problems.push(`FEDERATION_USER_TYPE must be another name than ${type}: the schema has such a type already`);
  if (key !== OWN_NAMES.key && key in users.getFields())
    problems.push(`FEDERATION_USER_KEY must be another name than ${key}: users have such a field`);
  if (problems.length > 0) throw new ConfigError(problems);
}

/**
 * What `_service { sdl }` shows: the schema for composition, under these names, and without what a supergraph has for
 * itself: it has a `node` of its own, or none, and its `Node` may ask for more than ours. `id` was for `Node` alone.
 */
export function printSubgraphSdl(names = OWN_NAMES): string {
  const document = visit(getDocumentNodeFromSchema(withNames(createSchema(), names)), {
    SchemaDefinition: () => null,
    InterfaceTypeDefinition: ({ name }) => (name.value === 'Node' ? null : undefined),
    NamedType: ({ name }) => (name.value === 'Node' ? null : undefined),
    FieldDefinition: ({ name, type }) =>
      /\bNode\b/.test(print(type)) || (name.value === 'id' && names.key !== 'id') ? null : undefined,
  });
  return `${print(LINK)}\n\n${print(document)}\n`;
}
