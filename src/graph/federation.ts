// What Apollo Federation asks of a subgraph at run time: its SDL, and users by reference.
import {
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
  GraphQLUnionType,
} from 'graphql';
import type { Context } from '../context.ts';
import { GatewayError } from '../errors.ts';
import type { UserHandle } from '../follow/model.ts';
import { price } from './cost.ts';
import { type EntityNames, OWN_NAMES, schemaNaming } from './entity.ts';
import { printSubgraphSdl } from './subgraph.ts';
import { handleOf } from './user-handle.ts';

/** The most references in one `_entities` field. A router sends all that a client's query needs in one. */
export const LARGEST_BATCH = 1000;

export type ServedOptions = {
  names?: EntityNames;
  /** Whether `_service` shows the SDL: it says as much as introspection does. */
  introspection: boolean;
};

/** The schema that is executed: the clients' one with the entity's names, and with what routers ask for. */
export function createServedSchema({ names = OWN_NAMES, introspection }: ServedOptions): GraphQLSchema {
  const named = schemaNaming(names);
  const config = named.toConfig();
  // The types that a schema of ours cannot lack.
  const { fields, ...query } = (config.query as GraphQLObjectType).toConfig();
  const served = new GraphQLObjectType({
    ...query,
    fields: { ...fields, ...federationFields(named.getType(names.type) as GraphQLObjectType, names, introspection) },
  });
  return new GraphQLSchema({
    ...config,
    query: served,
    types: config.types.map((t) => (t === config.query ? served : t)),
  });
}

function federationFields(userType: GraphQLObjectType, names: EntityNames, introspection: boolean) {
  let sdl: string | null = null;
  const ServiceType = new GraphQLObjectType({
    name: '_Service',
    description: 'This schema as a subgraph.',
    fields: {
      sdl: { type: new GraphQLNonNull(GraphQLString), description: 'The SDL, with the directives of federation.' },
    },
  });
  const AnyType = new GraphQLScalarType({
    name: '_Any',
    description: `A reference to an entity: \`{ __typename: "${names.type}", ${names.key}: … }\`.`,
  });
  const EntityType = new GraphQLUnionType({
    name: '_Entity',
    description: 'What other subgraphs can refer to.',
    types: [userType],
    resolveType: () => names.type,
  });
  return {
    _service: {
      extensions: { complexity: 0 },
      type: new GraphQLNonNull(ServiceType),
      description: 'For routers. Refused where introspection is off.',
      resolve() {
        if (!introspection)
          throw new GatewayError('FORBIDDEN', 'The schema is not shown here: publish it from schema/subgraph.graphql.');
        sdl ??= printSubgraphSdl(names);
        return { sdl };
      },
    },
    _entities: {
      extensions: {
        complexity: price(
          (args: { representations: readonly unknown[] }) => args.representations.length / 100,
          (args) => args.representations.length,
        ),
      },
      type: new GraphQLNonNull(new GraphQLList(EntityType)),
      description: `For routers: the entities that are referred to, in their order; at most ${LARGEST_BATCH}.`,
      args: {
        representations: {
          type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(AnyType))),
          description: 'References.',
        },
      },
      resolve(_root: unknown, { representations }: { representations: readonly unknown[] }, context: Context) {
        if (representations.length > LARGEST_BATCH)
          throw new GatewayError(
            'BAD_USER_INPUT',
            `${representations.length} representations are too many: ask for at most ${LARGEST_BATCH} at once.`,
          );
        // graphql-js takes an error in a list as the failure of that item alone.
        return representations.map((representation) => resolveReference(representation, names, context));
      },
    },
  };
}

/** A handle for who is referred to, or why there is none. */
function resolveReference(representation: unknown, { type, key }: EntityNames, context: Context): UserHandle | Error {
  const { __typename, [key]: id } = (representation ?? {}) as Record<string, unknown>;
  if (__typename !== type)
    return new GatewayError('BAD_USER_INPUT', `A representation must have "${type}" as its "__typename".`);
  // As for an argument of type ID.
  const text = Number.isInteger(id) ? String(id) : id;
  if (typeof text !== 'string')
    return new GatewayError('BAD_USER_INPUT', `A representation of "${type}" must have a string as its "${key}".`);
  try {
    return handleOf(text, context) ?? new GatewayError('USER_NOT_FOUND', `There is no account "${text}".`);
  } catch (error) {
    return error as GatewayError;
  }
}
