// What this gateway says of itself as a subgraph: Apollo's checks of subgraphs, as far as they concern it.
import { readFileSync } from 'node:fs';
import { type FieldDefinitionNode, Kind, parse, visit } from 'graphql';
import { expect, test } from 'vitest';
import { ConfigError } from '../../src/errors.ts';
import { printSubgraphSdl } from '../../src/graph/federation.ts';
import { openGateway } from '../support/gateway.ts';

const committed = (name: string) => readFileSync(new URL(`../../schema/${name}`, import.meta.url), 'utf8');

const fields = new Map<string, FieldDefinitionNode>();
visit(parse(printSubgraphSdl()), {
  [Kind.OBJECT_TYPE_DEFINITION](type) {
    for (const field of type.fields ?? []) fields.set(`${type.name.value}.${field.name.value}`, field);
  },
});
const marked = (name: string) =>
  [...fields].flatMap(([field, { directives }]) => (directives?.some((d) => d.name.value === name) ? [field] : []));

test('_service shows the SDL that is published, and the clients’ schema has nothing that is for routers', async () => {
  const gateway = await openGateway();
  expect(await gateway.data('{ _service { sdl } }')).toEqual({ _service: { sdl: committed('subgraph.graphql') } });
  expect(committed('schema.graphql')).not.toMatch(/_service|_entities|_Any|@key|@link/);
});

test('where introspection is off the SDL is refused, and entities are answered', async () => {
  const gateway = await openGateway({ env: { INTROSPECTION: 'off' } });
  const refused = await gateway.query('{ _service { sdl } }');
  expect(refused).toEqual({ data: null, errors: [expect.objectContaining({ extensions: { code: 'FORBIDDEN' } })] });
  expect(refused.errors?.[0]?.message).toContain('schema/subgraph.graphql');
  expect(
    await gateway.data('{ _entities(representations: [{ __typename: "User", id: "a" }]) { ... on User { id } } }'),
  ).toEqual({ _entities: [{ id: 'a' }] });
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
  const env = { FEDERATION_USER_TYPE: 'Account', FEDERATION_USER_KEY: 'accountId', AUTH: 'development' };
  const gateway = await openGateway({ env });
  for (const id of ['me', 'you']) gateway.sandbox.world.importAccount(id);
  const who = (id: string) => ({ __typename: 'Account', accountId: id, id });
  const account = '__typename id ... on Account { accountId }';
  const follow = `mutation { followUsers(input: { userIds: ["you"] }) {
    results { ... on FollowChanged { user { ${account} } } } viewer { ${account} }
  } }`;
  expect(await gateway.as('me').data(follow)).toEqual({
    followUsers: { results: [{ user: who('you') }], viewer: who('me') },
  });
  const everywhere = `query ($entity: _Any!) {
    node(id: "a") { ${account} }
    nodes(ids: ["b"]) { ${account} }
    users(ids: ["c"]) { ${account} }
    user(id: "you") { fans { nodes { ${account} } edges { node { ${account} } } } }
    _entities(representations: [$entity]) { __typename ... on Account { accountId id } }
  }`;
  const entity = { __typename: 'Account', accountId: 'd' };
  expect(await gateway.as('me').data(everywhere, { entity })).toEqual({
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

test.each<[string, Record<string, string>]>([
  ['a type of ours', { FEDERATION_USER_TYPE: 'FollowConnection' }],
  ['a type of everybody', { FEDERATION_USER_TYPE: 'Float' }],
  ['a type of introspection', { FEDERATION_USER_TYPE: '__Schema' }],
  ['a type that routers ask for', { FEDERATION_USER_TYPE: '_Entity' }],
  ['a type of federation', { FEDERATION_USER_TYPE: 'federation__FieldSet' }],
  ['no name at all as a type', { FEDERATION_USER_TYPE: 'my account' }],
  ['a field of ours as a key', { FEDERATION_USER_KEY: 'nick' }],
  ['a field of introspection as a key', { FEDERATION_USER_KEY: '__typename' }],
  ['several fields as a key', { FEDERATION_USER_KEY: 'id tenant' }],
])('%s is refused at the start', async (_what, env) => {
  const refusal = await openGateway({ env }).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ConfigError);
  const problem = expect.stringMatching(new RegExp(`^${Object.keys(env)[0]} must be`));
  expect((refusal as ConfigError).problems).toEqual([problem]);
});
