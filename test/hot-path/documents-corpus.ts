// Documents of all sorts: several operations, fragments, conditions, introspection, mistakes, and what is made to hurt.
import { getIntrospectionQuery } from 'graphql';
import { ATTACKS } from '../limits/attack-set.ts';
import { type Ask, get, post, postBody } from './asks.ts';
import { as } from './operations-corpus.ts';

const U = 'user(id: "user_00002")';

/** A document, and variables and a name where it takes them. */
const DOCUMENTS: readonly [query: string, variables?: Record<string, unknown> | null, operationName?: unknown][] = [
  ['{ __typename }'],
  ['query { a: __typename b: __typename __typename }'],
  [`{ ${U} { __typename id ... { __typename } } }`],
  ['{ node(id: "user_00002") { __typename id ... on User { nick fansCount } } }'],
  ['{ nodes(ids: ["user_00002", "nobody", "hermit"]) { __typename id ... on User { nick } } }'],
  ['{ users(ids: ["user_00002", "no such", "user_00002"]) { id nick } }'],
  ['{ users(ids: "user_00002") { id } }'],
  ['{ users(ids: []) { id } }'],
  ['{ viewer { id nick } }'],
  ['{ _service { sdl } }'],
  ['{ _service { sdl } __typename }'],
  ['{ _entities(representations: [{ __typename: "User", id: "user_00002" }]) { ... on User { id nick } } }'],
  ['{ _entities(representations: [{ __typename: "Other", id: "1" }, {}, { __typename: "User" }]) { __typename } }'],
  [getIntrospectionQuery()],
  ['{ __schema { queryType { name } } }'],
  ['{ __type(name: "User") { name fields { name } } }'],
  [`{ ${U} { id } __schema { queryType { name } } }`],
  // Several operations.
  [`query A { __typename } query B { ${U} { id } }`, {}, 'A'],
  [`query A { __typename } query B { ${U} { id } }`, {}, 'B'],
  [`query A { __typename } query B { ${U} { id } }`, {}, 'C'],
  [`query A { __typename } query B { ${U} { id } }`],
  [`query A { __typename } query B { ${U} { id } }`, {}, ''],
  [`query A { __typename } query B { ${U} { id } }`, {}, null],
  [`query A { __typename } query B { ${U} { id } }`, {}, 7],
  [
    `query A($id: ID!) { user(id: $id) { id } } query B($id: ID!) { user(id: $id) { nick } }`,
    { id: 'user_00004' },
    'A',
  ],
  [
    `query A($id: ID!) { user(id: $id) { id } } query B($id: ID!) { user(id: $id) { nick } }`,
    { id: 'user_00004' },
    'B',
  ],
  ['query A { __typename } mutation B { followUsers(input: { userIds: ["hermit"] }) { viewer { id } } }', {}, 'B'],
  ['query A { __typename } query A { __typename }', {}, 'A'],
  ['{ __typename } { __typename }'],
  ['query constructor { __typename }', {}, 'constructor'],
  ['query __proto__ { __typename }', {}, '__proto__'],
  // Fragments, conditions, merged fields.
  [
    `{ ${U} { ...A ...B } } fragment A on User { fans(first: 2) { nodes { id } } } fragment B on User { fans(first: 2) { nodes { nick } totalCount } }`,
  ],
  [`{ ${U} { fans(first: 2) { nodes { id } } fans(first: 3) { nodes { id } } } }`],
  [`{ ${U} { a: fans(first: 2) { nodes { id } } b: fans(first: 3) { nodes { id } } } }`],
  [`{ ${U} { nick nick id id } ${U} { avatar } }`],
  [`{ ${U} { ... on User { ... on Node { ... on User { id nick } } } } }`],
  [`query ($yes: Boolean!) { ${U} { id nick @include(if: $yes) avatar @skip(if: $yes) } }`, { yes: true }],
  [`query ($yes: Boolean!) { ${U} { id nick @include(if: $yes) avatar @skip(if: $yes) } }`, { yes: false }],
  [`query ($yes: Boolean!) { ${U} { id nick @include(if: $yes) } }`, { yes: null }],
  [`query ($yes: Boolean = true) { ${U} { id nick @include(if: $yes) } }`, { yes: null }],
  [`query ($yes: Boolean = true) { ${U} { id nick @include(if: $yes) } }`, {}],
  [`query ($yes: Boolean = true) { ${U} { id nick @include(if: $yes) } }`, { yes: 'true' }],
  [
    `query ($a: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!, $e: Boolean!) { ${U} { id @skip(if: $a) nick @skip(if: $b) avatar @skip(if: $c) level @skip(if: $d) role @skip(if: $e) } }`,
    { a: true, b: false, c: true, d: false, e: true },
  ],
  [`{ ${U} @skip(if: true) { id } }`],
  [`{ ${U} { id @skip(if: true) @include(if: true) } }`],
  [`{ __proto__: ${U} { __proto__: id constructor: nick toString: avatar } }`],
  [`query ($__proto__: ID!) { user(id: $__proto__) { id } }`, JSON.parse('{"__proto__":"user_00002"}')],
  [`{ ${U} @defer { id } }`],
  [`{ ${U} { ... @defer { fans { nodes { id } } } } }`],
  [`{ ${U} { fans { nodes @stream(initialCount: 1) { id } } } }`],
  // Variables.
  ['query ($id: ID! = "user_00002") { user(id: $id) { id } }', null],
  ['query ($id: ID! = "user_00002") { user(id: $id) { id } }', { id: null }],
  ['query ($id: ID) { user(id: $id) { id } }', { id: 'user_00002' }],
  ['query ($id: String!) { user(id: $id) { id } }', { id: 'user_00002' }],
  ['query ($id: ID!, $id: ID!) { user(id: $id) { id } }', { id: 'user_00002' }],
  ['query ($id: ID!) { user(id: "user_00002") { id } }', { id: 'user_00002' }],
  ['query ($n: Int = 3) { user(id: "user_00002") { fans(first: $n) { nodes { id } } } }', { n: null }],
  ['query ($n: Int) { user(id: "user_00002") { fans(first: $n) { nodes { id } } } }', {}],
  ['query ($n: Int) { user(id: "user_00002") { fans(first: $n) { nodes { id } } } }', { n: 2 ** 31 }],
  [
    'query ($keys: [String!]) { user(id: "UserID_002") { customFields(keys: $keys) { key value } } }',
    { keys: ['Test'] },
  ],
  ['query ($keys: [String!]) { user(id: "UserID_002") { customFields(keys: $keys) { key value } } }', { keys: 'Test' }],
  [
    'query ($tags: [String!]!) { user(id: "UserID_002") { profileItems(tags: $tags) { tag value } } }',
    { tags: ['Tag_Profile_IM_Nick', 'Tag_Odd'] },
  ],
  // How a document is written.
  ['\ufeff{ __typename }'],
  ['# a remark\n{ , __typename , }\n# another'],
  [`{ user(id: "\\u0075ser_00002") { id nick } }`],
  ['{ user(id: "\\u{75}ser_00002") { id } }'],
  ['{ user(id: "\\uD83D") { id } }'],
  ['{ user(id: """user_00002""") { id } }'],
  [`{ ${U} { id } }${' '.repeat(5000)}`],
  // Mistakes.
  [''],
  [' '],
  ['{'],
  ['{ user( }'],
  ['query'],
  ['{ }'],
  ['{ nothing }'],
  [`{ ${U} }`],
  [`{ ${U} { nick { x } } }`],
  [`{ ${U} { nik } }`],
  ['{ user { id } }'],
  ['{ user(id: 4) { id } }'],
  ['{ user(id: null) { id } }'],
  ['{ user(id: "user_00002", more: 1) { id } }'],
  [`{ ${U} { ...Missing } }`],
  [`{ ${U} { id } } fragment Unused on User { id }`],
  ['fragment Alone on User { id }'],
  ['type A { b: Int }'],
  [`{ ${U} { id @unknown } }`],
  ['subscription { followEvents(userId: "UserID_001") { __typename } }'],
  ['subscription { __typename }'],
  ['mutation { __typename }'],
  ['mutation { followUsers(input: { userIds: ["user_00002"] }) { viewer { id } } }'],
  // Errors in some fields, beside others that are answered.
  [`{ ${U} { id fans(first: 101) { nodes { id } } nick follows(after: "made-up") { nodes { id } } } }`],
  ['{ a: user(id: "nobody") { id nick } b: user(id: "user_00002") { id nick } }'],
  ['{ user(id: "nobody") { id fansCount fans { nodes { id } } relationTo(userId: "user_00002") } }'],
  ['{ user(id: "user_00002") { relationTo(userId: "bad id") viewerIsFollowing knownFans { count } } }'],
];

export function documentAsks(): Ask[] {
  const asked = DOCUMENTS.flatMap(([query, variables, operationName]) => {
    const params = { query, variables, operationName };
    const name = `document ${query.slice(0, 100)} ${JSON.stringify(operationName) ?? ''}`;
    return [
      post(name, params),
      post(`${name} as a viewer`, params, [as('user_00001')]),
      get(`${name} by GET`, given(params)),
    ];
  });
  const tooShort = 'query ($id: ID!) { user(id: $id) { id } }';
  return [
    ...asked,
    postBody('a long text', JSON.stringify({ query: tooShort, variables: { id: 'x'.repeat(40_000) } })),
  ];
}

/** What is made to hurt: to be asked seldom. */
export const attackAsks = (): Ask[] =>
  Object.entries(ATTACKS).map(([name, [query, variables]]) =>
    postBody(`attack: ${name}`, `{"query":${JSON.stringify(query)}${variables ? `,"variables":${variables}` : ''}}`),
  );

function given(params: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined));
}
