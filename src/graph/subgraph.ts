// The SDL of this schema as a subgraph: the clients' one without what a supergraph has for itself, with federation's
// directives.
import {
  type ConstDirectiveNode,
  type DefinitionNode,
  type FieldDefinitionNode,
  Kind,
  lexicographicSortSchema,
  type ObjectTypeDefinitionNode,
  parse,
  print,
  printSchema,
  type ScalarTypeDefinitionNode,
  visit,
} from 'graphql';
import { DEFAULT_PAGE_SIZE } from './connection.ts';
import { type EntityNames, OWN_NAMES, schemaNaming } from './entity.ts';
import { LARGEST_LOOKUP } from './user-handle.ts';

/** The lowest version that has all of these. */
const LINK = `extend schema @link(
  url: "https://specs.apollo.dev/federation/v2.9"
  import: ["@cost", "@key", "@listSize", "@shareable", "@tag"]
)`;

/** A supergraph has a `node` of its own, or none; and its `Node` may ask for more than ours. */
const LEFT_OUT = ['Node', 'Query.node', 'Query.nodes'];

// A list without `first` is not to be refused by a router: it has a default.
const CONNECTION = `@listSize(assumedSize: ${DEFAULT_PAGE_SIZE}, slicingArguments: ["first"], sizedFields: ["edges", "nodes"], requireOneSlicingArgument: false)`;
/** What no list brings along: for a single user, an upstream call. */
const CALL = '@cost(weight: 1)';
/** What concerns the app and who runs it more than its users, so that a contract can leave it out by one name. */
const INTERNAL = '@tag(name: "internal")';

/** Type or field → the directives that it gets. */
const DIRECTIVES: Record<string, string> = {
  PageInfo: '@shareable',
  'Query.users': `@listSize(assumedSize: ${LARGEST_LOOKUP})`,
  'User.fans': CONNECTION,
  'User.follows': CONNECTION,
  'User.mutuals': CONNECTION,
  // As many calls as it may take by default.
  'User.knownFans': `@cost(weight: 10) ${CONNECTION}`,
  'FollowConnection.totalCount': CALL,
  'User.fansCount': CALL,
  'User.followsCount': CALL,
  'User.mutualsCount': CALL,
  'User.viewerIsFollowing': CALL,
  'User.isFollowingViewer': CALL,
  'User.viewerCanFollow': CALL,
  'User.relationTo': CALL,
  'User.adminForbidType': INTERNAL,
  'User.messageSettings': INTERNAL,
  'User.role': INTERNAL,
  'User.profileItems': INTERNAL,
};

/** What `_service { sdl }` answers: the same text for the same schema and names. */
export function printSubgraphSdl(names: EntityNames = OWN_NAMES): string {
  const leftOut = new Set(names.key === OWN_NAMES.key ? LEFT_OUT : [...LEFT_OUT, 'User.id']);
  const ownNameOf = (type: string) => (type === names.type ? OWN_NAMES.type : type);
  const field = (type: string) => (node: FieldDefinitionNode) => {
    const name = `${ownNameOf(type)}.${node.name.value}`;
    return leftOut.has(name) ? [] : [{ ...node, directives: [...(node.directives ?? []), ...directivesOf(name)] }];
  };
  const object = (node: ObjectTypeDefinitionNode): ObjectTypeDefinitionNode => {
    const type = node.name.value;
    const key = type === names.type ? parseDirectives(`@key(fields: "${names.key}")`) : [];
    return {
      ...node,
      interfaces: node.interfaces?.filter(({ name }) => !leftOut.has(name.value)),
      directives: [...(node.directives ?? []), ...key, ...directivesOf(ownNameOf(type))],
      fields: node.fields?.flatMap(field(type)),
    };
  };
  const clients = parse(printSchema(lexicographicSortSchema(schemaNaming(names))));
  const subgraph = visit(clients, {
    [Kind.INTERFACE_TYPE_DEFINITION]: (node) => (leftOut.has(node.name.value) ? null : undefined),
    [Kind.OBJECT_TYPE_DEFINITION]: object,
  });
  const [link] = parse(LINK).definitions as [DefinitionNode];
  return `${print({ ...subgraph, definitions: [link, ...subgraph.definitions] })}\n`;
}

function directivesOf(name: string): readonly ConstDirectiveNode[] {
  return DIRECTIVES[name] ? parseDirectives(DIRECTIVES[name]) : [];
}

function parseDirectives(text: string): readonly ConstDirectiveNode[] {
  const [holder] = parse(`scalar Holder ${text}`).definitions as [ScalarTypeDefinitionNode];
  return holder.directives ?? [];
}
