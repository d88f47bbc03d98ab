// The one entity that other subgraphs may know by another name: the user.
import { createRequire } from 'node:module';
import { GraphQLInterfaceType, GraphQLObjectType, type GraphQLSchema, specifiedScalarTypes } from 'graphql';
import type { UserHandle } from '../follow/model.ts';
import { schema } from './schema.ts';

/** What a supergraph calls a user, and the field that it knows one by. */
export type EntityNames = { readonly type: string; readonly key: string };

/** What we call them ourselves. */
export const OWN_NAMES: EntityNames = { type: 'User', key: 'id' };

const require = createRequire(import.meta.url);
const SPECIFIED = specifiedScalarTypes.map(({ name }) => name);

/** What is wrong with these names, by the one that is wrong; empty when the schema leaves them free. */
export function clashesOf({ type, key }: EntityNames): { type?: string; key?: string } {
  const isTaken = type !== OWN_NAMES.type && (schema.getType(type) !== undefined || SPECIFIED.includes(type));
  const fields = userType().getFields();
  return {
    ...(isTaken && { type: `must be another name than ${type}: the schema has such a type already` }),
    ...(key !== OWN_NAMES.key && key in fields && { key: `must be another name than ${key}: users have such a field` }),
  };
}

/** The clients' schema with users under these names. `id` stays beside another key: `Node` needs it. */
export function schemaNaming({ type, key }: EntityNames): GraphQLSchema {
  if (type === OWN_NAMES.type && key === OWN_NAMES.key) return schema;
  // Loaded by those alone who need it: it takes some 20 ms.
  const { MapperKind, mapSchema } = require('@graphql-tools/utils') as typeof import('@graphql-tools/utils');
  const nodes = userType().getInterfaces();
  return mapSchema(schema, {
    [MapperKind.OBJECT_TYPE](object) {
      if (object.name !== OWN_NAMES.type) return undefined;
      const { fields, ...config } = object.toConfig();
      const { id } = fields;
      const keyField = id && { [key]: { ...id, resolve: (user: UserHandle) => user.id } };
      return new GraphQLObjectType({ ...config, name: type, fields: { ...fields, ...keyField } });
    },
    [MapperKind.INTERFACE_TYPE](object) {
      // Users are the only nodes; what says so elsewhere says it with their own name.
      if (!nodes.some(({ name }) => name === object.name)) return undefined;
      return new GraphQLInterfaceType({ ...object.toConfig(), resolveType: () => type });
    },
  });
}

function userType(): GraphQLObjectType {
  return schema.getType(OWN_NAMES.type) as GraphQLObjectType;
}
