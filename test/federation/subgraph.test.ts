// What this gateway says of itself as a subgraph: Apollo's checks of subgraphs, as far as they concern it.

import { readFileSync } from 'node:fs';
import {
  type ConstDirectiveNode,
  type DefinitionNode,
  type FieldDefinitionNode,
  Kind,
  type ObjectTypeDefinitionNode,
  parse,
  print,
  visit,
} from 'graphql';
import { expect, test } from 'vitest';
import { ConfigError } from '../../src/errors.ts';

import { printSubgraphSdl } from '../../src/graph/federation.ts';
import { createHastyClock } from '../support/clock.ts';
import { openGateway } from '../support/gateway.ts';

const committed = (name: string) => readFileSync(new URL(`../../schema/${name}`, import.meta.url), 'utf8');
function openSmallGateway(env = {}) {
  const clock = createHastyClock();
  return openGateway({ env, clock, sandbox: { emptyWorld: true, clock } });
}

const types = new Map<string, ObjectTypeDefinitionNode>();
const fields = new Map<string, FieldDefinitionNode>();
visit(parse(printSubgraphSdl()), {
  [Kind.OBJECT_TYPE_DEFINITION](type) {
    types.set(type.name.value, type);
    for (const field of type.fields ?? []) fields.set(`${type.name.value}.${field.name.value}`, field);
  },
});
const directivesOf = (node?: { directives?: readonly ConstDirectiveNode[] }) => (node?.directives ?? []).map(print);
const marked = (name: string) =>
  [...fields].flatMap(([field, { directives }]) => (directives?.some((d) => d.name.value === name) ? [field] : []));

test('_service shows the SDL that is published, and the clients’ schema has nothing that is for routers', async () => {
  const gateway = await openSmallGateway();
  expect(await gateway.data('{ _service { sdl } }')).toEqual({ _service: { sdl: committed('subgraph.graphql') } });
  expect(committed('schema.graphql')).not.toMatch(/_service|_entities|_Any|@key|@link/);
});

test('where introspection is off the SDL is refused, and entities are answered', async () => {
  const gateway = await openSmallGateway({ INTROSPECTION: 'off' });
  const refused = await gateway.query('{ _service { sdl } }');
  expect(refused).toEqual({ data: null, errors: [expect.objectContaining({ extensions: { code: 'FORBIDDEN' } })] });
  expect(refused.errors?.[0]?.message).toContain('schema/subgraph.graphql');
  expect(
    await gateway.data('{ _entities(representations: [{ __typename: "User", id: "a" }]) { ... on User { id } } }'),
  ).toEqual({ _entities: [{ id: 'a' }] });
});

test('it links federation at the version and with the names that it uses, no more and no fewer', () => {
  const [link] = parse(printSubgraphSdl()).definitions;
  const used = new Set<string>();
  visit(parse(printSubgraphSdl()), { [Kind.DIRECTIVE]: (node) => void used.add(`@${node.name.value}`) });
  const names = [...used]
    .filter((name) => !['@link', '@specifiedBy', '@deprecated', '@semanticNonNull'].includes(name))
    .sort();
  expect(print(link as DefinitionNode)).toBe(
    `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ${JSON.stringify(names).replaceAll(',', ', ')})`,
  );
});

test('users are the one entity, pages can be shared, and directives that supergraphs have themselves are left out', () => {
  expect([...types].flatMap(([name, type]) => (directivesOf(type).length > 0 ? [name] : []))).toEqual([
    'PageInfo',
    'User',
  ]);
  expect(directivesOf(types.get('User'))).toEqual(['@key(fields: "id")']);
  expect(directivesOf(types.get('PageInfo'))).toEqual(['@shareable']);
  for (const field of ['Query.node', 'Query.nodes', 'Query._entities']) expect(fields.has(field)).toBe(false);
  expect(printSubgraphSdl()).not.toMatch(/\bNode\b/);
});

test('routers can price it: every list by its first, every count and relation as a call', () => {
  const connections = [...fields].flatMap(([field, { arguments: given }]) =>
    given?.some(({ name }) => name.value === 'first') ? [field] : [],
  );
  expect(connections).toContain('User.fans');
  expect(new Set(marked('listSize'))).toEqual(new Set(['Query.users', ...connections]));
  const calls =
    /(FollowConnection.totalCount|User.\w+Count|relationTo|Viewer|viewer(Is|Has|Can)\w+|knownFans|newFans|blockedUsers|searchUsers|suggestions|presence)$/;
  expect(marked('cost').sort()).toEqual([...fields.keys()].filter((field) => calls.test(field)).sort());
  expect(marked('tag')).toEqual(['adminForbidType', 'messageSettings', 'profileItems', 'role'].map((f) => `User.${f}`));
});

test('under other names, users are called so wherever they come from, and have both ids', async () => {
  const gateway = await openSmallGateway({
    FEDERATION_USER_TYPE: 'Account',
    FEDERATION_USER_KEY: 'accountId',
    AUTH: 'development',
  });
  for (const id of ['me', 'you']) gateway.sandbox.world.importAccount(id);
  const who = (id: string) => ({ __typename: 'Account', accountId: id, id });
  const fields = '__typename id ... on Account { accountId }';
  expect(
    await gateway.as('me').data(`mutation {
      followUsers(input: { userIds: ["you"] }) { results { ... on FollowChanged { user { ${fields} } } } viewer { ${fields} } }
    }`),
  ).toEqual({ followUsers: { results: [{ user: who('you') }], viewer: who('me') } });
  expect(
    await gateway.as('me').data(
      `query ($entity: _Any!) {
      node(id: "a") { ${fields} }
      nodes(ids: ["b"]) { ${fields} }
      users(ids: ["c"]) { ${fields} }
      user(id: "you") { fans { nodes { ${fields} } edges { node { ${fields} } } } }
      _entities(representations: [$entity]) { __typename ... on Account { accountId id } }
    }`,
      { entity: { __typename: 'Account', accountId: 'd' } },
    ),
  ).toEqual({
    node: who('a'),
    nodes: [who('b')],
    users: [who('c')],
    user: { fans: { nodes: [who('me')], edges: [{ node: who('me') }] } },
    _entities: [who('d')],
  });

  const own = await gateway.query('{ _entities(representations: [{ __typename: "User", id: "a" }]) { __typename } }');
  expect(own).toMatchObject({ data: { _entities: [null] }, errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
  const { _service } = await gateway.data<{ _service: { sdl: string } }>('{ _service { sdl } }');
  expect(_service.sdl).toContain('type Account @key(fields: "accountId") {');
  expect(_service.sdl).not.toMatch(/\bUser\b/);
  expect(_service.sdl).not.toMatch(/type Account [^}]*\n {2}id: ID!/);
});

test.each([
  ['a type of ours', { FEDERATION_USER_TYPE: 'FollowConnection' }],
  ['the type of all queries', { FEDERATION_USER_TYPE: 'Query' }],
  ['a type of everybody', { FEDERATION_USER_TYPE: 'Float' }],
  ['a type of introspection', { FEDERATION_USER_TYPE: '__Schema' }],
  ['a type that routers ask for', { FEDERATION_USER_TYPE: '_Entity' }],
  ['a type of federation', { FEDERATION_USER_TYPE: 'federation__FieldSet' }],
  ['no name at all as a type', { FEDERATION_USER_TYPE: 'my account' }],
  ['a field of ours as a key', { FEDERATION_USER_KEY: 'nick' }],
  ['a field of introspection as a key', { FEDERATION_USER_KEY: '__typename' }],
  ['several fields as a key', { FEDERATION_USER_KEY: 'id tenant' }],
])('%s is refused at the start', async (_what, env) => {
  const [[name]] = Object.entries(env) as [[string, string]];
  const refusal = await openSmallGateway(env).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ConfigError);
  expect((refusal as ConfigError).problems).toEqual([expect.stringMatching(new RegExp(`^${name} must be`))]);
});
