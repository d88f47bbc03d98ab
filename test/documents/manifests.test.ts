// What trusted documents may be written down as, and what is refused at the start.
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { ConfigError } from '../../src/errors.ts';
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { createGateway } from '../../src/server.ts';
import { openGateway } from '../support/gateway.ts';
import { directoryOf, hashOf, postJson } from './asking.ts';

const ONE = '{ users(ids: ["star"]) { id } }';
const TWO = 'query Two {\n  node(id: "star") {\n    id\n  }\n}';
const ANSWERS: Record<string, unknown> = { [ONE]: { users: [{ id: 'star' }] }, [TWO]: { node: { id: 'star' } } };

const apollo = (operations: unknown, more: object = {}) => ({
  format: 'apollo-persisted-query-manifest',
  version: 1,
  operations,
  ...more,
});

const operation = (id: string, body: string) => ({ id, body });
const both = { [hashOf(ONE)]: ONE, [hashOf(TWO)]: TWO };

const ENV = {
  TENCENT_SDK_APP_ID: String(SANDBOX_APP.sdkAppId),
  TENCENT_SECRET_KEY: SANDBOX_APP.secretKey,
  TENCENT_REGION: 'singapore',
};

/** What a gateway that is set so complains about before it starts. */
async function problemsOf(env: Record<string, string>): Promise<readonly string[]> {
  try {
    await createGateway(readConfig({ ...ENV, ...env }), { log: pino({ level: 'silent' }) });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const strict = (path: string) => ({ TRUSTED_DOCUMENTS: 'strict', TRUSTED_DOCUMENTS_PATH: path });

const NAMED = apollo([{ id: 'one', body: ONE, name: 'One', type: 'query' }, operation('two', TWO)]);
test.each<[string, path: string, Record<string, unknown>, ids: Record<string, string>]>([
  [
    'Relay’s map, Apollo’s manifest and plain files beside each other',
    '',
    {
      ...{ 'queries.json': { '2f8c': ONE, 'sha256:77': TWO }, 'manifest.json': NAMED },
      ...{ 'one.graphql': ONE, 'screens/two.gql': TWO, 'README.md': 'not a document' },
    },
    { '2f8c': ONE, '77': TWO, one: ONE, two: TWO },
  ],
  ['a map alone', 'map.json', { 'map.json': { '2f8c': ONE } }, { [hashOf(ONE)]: ONE }],
  ['a manifest alone', 'one.json', { 'one.json': apollo([operation('one', ONE)]) }, { [hashOf(ONE)]: ONE }],
  ['a plain file alone', 'one.graphql', { 'one.graphql': ONE }, { [hashOf(ONE)]: ONE }],
])('%s: each document answers to its id and its hash', async (_title, path, files, ids) => {
  const env = strict(join(directoryOf(files), path));
  const gateway = await openGateway({ env });
  for (const [id, text] of Object.entries(path ? ids : { ...both, ...ids }))
    expect(await (await postJson(gateway, { documentId: id })).json()).toEqual({ data: ANSWERS[text] });
});

const DEEP = `{ user(id: "a") ${'{ fans { nodes '.repeat(13)}{ id }${' } }'.repeat(13)} }`;
test.each<[string, Record<string, unknown>, RegExp]>([
  ['a file that is not JSON', { 'a.json': '{"a":' }, /a\.json is not JSON$/],
  ['JSON that is no object', { 'a.json': [ONE] }, /a\.json must be a JSON object$/],
  ['a text that is no string', { 'a.json': { a: 7 } }, /a\.json: a has no text$/],
  ['an empty id', { 'a.json': { '': ONE } }, /a\.json: operation 1 has no id$/],
  [
    'another format',
    { 'a.json': apollo([], { format: 'x' }) },
    /is no "apollo-persisted-query-manifest" of version 1$/,
  ],
  ['another version of Apollo’s', { 'a.json': apollo([], { version: 2 }) }, /of version 1$/],
  ['Apollo’s without operations', { 'a.json': apollo(undefined) }, /of version 1$/],
  ['an operation that is none', { 'a.json': apollo([null]) }, /a\.json: operation 1 has no id$/],
  ['an operation without a body', { 'a.json': apollo([{ id: 'a' }]) }, /a\.json: a has no text$/],
  ['a document that cannot be parsed', { 'a.graphql': '{ users(' }, /a\.graphql: Syntax Error/],
  ['a document without sense', { 'a.json': { a: '{ peoples }' } }, /a\.json: a: Cannot query field "peoples"/],
  ['a document that is too deep', { 'a.graphql': DEEP }, /a\.graphql: .*more than 15 levels/],
  [
    'an id of two texts',
    { 'a.json': { a: ONE }, 'b.json': { a: TWO } },
    /b\.json: a: another document has the same id$/,
  ],
  ['a directory without documents', { 'README.md': '' }, /holds no documents$/],
])('%s is one of the settings’ errors', async (_title, files, problem) => {
  const problems = await problemsOf(strict(directoryOf(files)));
  expect(problems).toEqual([expect.stringMatching(new RegExp(`^TRUSTED_DOCUMENTS_PATH: .*${problem.source}`))]);
});

test('a path where nothing is cannot be read, and all that is wrong is named at once', async () => {
  const path = join(directoryOf({}), 'nothing');
  expect(await problemsOf(strict(path))).toEqual([`TRUSTED_DOCUMENTS_PATH: ${path} cannot be read: ENOENT`]);
  const files = { 'a.json': '{', 'b.json': { b: '{ x }', c: ONE, d: 4 }, 'e.graphql': '{' };
  expect(await problemsOf(strict(directoryOf(files)))).toHaveLength(4);
});

const SAME = { 'a.json': { a: ONE, b: TWO }, 'b.json': { a: '{users(ids:["star"]){id}}' } };
test.each<[string, () => Record<string, string>]>([
  ['the same document under the same id twice', () => strict(directoryOf(SAME))],
  ['a path that is not asked for', () => ({ TRUSTED_DOCUMENTS: 'off', TRUSTED_DOCUMENTS_PATH: '/nowhere' })],
  ['another name of users', () => ({ TRUSTED_DOCUMENTS: 'strict', FEDERATION_USER_TYPE: 'Account' })],
])('nothing is wrong with %s', async (_title, env) => {
  expect(await problemsOf(env())).toEqual([]);
});
