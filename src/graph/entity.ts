// The one entity that other subgraphs may know by another name: the user.
import { MapperKind, mapSchema } from '@graphql-tools/utils';
import { GraphQLInterfaceType, GraphQLObjectType, type GraphQLSchema, specifiedScalarTypes } from 'graphql';
import { ConfigError } from '../errors.ts';
import type { UserHandle } from '../follow/model.ts';

/** What a supergraph calls a user, and the field that it knows one by. */
export type EntityNames = { readonly type: string; readonly key: string };

/** What we call them ourselves. */
export const OWN_NAMES: EntityNames = { type: 'User', key: 'id' };

/** The schema with users under these names, or `ConfigError`. `id` stays beside another key: `Node` needs it. */
export function withNames(schema: GraphQLSchema, names: EntityNames): GraphQLSchema {
  const { type, key } = names;
  if (type === OWN_NAMES.type && key === OWN_NAMES.key) return schema;
  refuseTaken(schema, names);
  return mapSchema(schema, {
    [MapperKind.OBJECT_TYPE](object) {
      if (object.name !== OWN_NAMES.type) return undefined;
      const { fields, ...config } = object.toConfig();
      const keyField = fields.id && { [key]: { ...fields.id, resolve: (user: UserHandle) => user.id } };
      return new GraphQLObjectType({ ...config, name: type, fields: { ...fields, ...keyField } });
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
  const isTaken = schema.getType(type) !== undefined || specifiedScalarTypes.some(({ name }) => name === type);
  const users = schema.getType(OWN_NAMES.type) as GraphQLObjectType;
  const problems: string[] = [];
  if (type !== OWN_NAMES.type && isTaken)
    problems.push(`FEDERATION_USER_TYPE must be another name than ${type}: the schema has such a type already`);
  if (key !== OWN_NAMES.key && key in users.getFields())
    problems.push(`FEDERATION_USER_KEY must be another name than ${key}: users have such a field`);
  if (problems.length > 0) throw new ConfigError(problems);
}
