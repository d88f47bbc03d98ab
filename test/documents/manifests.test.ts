// What trusted documents may be written down as, and what is refused at the start.
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { ConfigError } from '../../src/errors.ts';
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { createGateway } from '../../src/server.ts';
import { run } from '../process/start-process.ts';
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

const problemsWith = (files: Record<string, unknown>) =>
  problemsOf({ TRUSTED_DOCUMENTS: 'strict', TRUSTED_DOCUMENTS_PATH: directoryOf(files) });

describe.each<[string, Record<string, unknown>, Record<string, string>]>([
  ['Relay’s map', { 'queries.json': { '2f8c': ONE, 'sha256:77': TWO } }, { '2f8c': ONE, '77': TWO }],
  [
    'Apollo’s manifest',
    {
      'manifest.json': apollo([
        { id: 'one', body: ONE, name: 'One', type: 'query' },
        { id: 'two', body: TWO },
      ]),
    },
    { one: ONE, two: TWO },
  ],
  ['plain files', { 'one.graphql': ONE, 'screens/two.gql': TWO, 'README.md': 'not a document' }, {}],
  [
    'files of all kinds',
    { 'a.json': { a: ONE }, 'b.graphql': TWO, 'c.json': apollo([{ id: 'c', body: ONE }]) },
    { a: ONE, c: ONE },
  ],
])('%s', (_title, files, ids) => {
  test('in a directory is read, and each document answers to its id and its hash', async () => {
    const gateway = await openGateway({
      env: { TRUSTED_DOCUMENTS: 'strict', TRUSTED_DOCUMENTS_PATH: directoryOf(files) },
      sandbox: { emptyWorld: true },
    });
    for (const [id, text] of [...Object.entries(ids), [hashOf(ONE), ONE], [hashOf(TWO), TWO]] as const)
      expect(await (await postJson(gateway, { documentId: id })).json()).toEqual({ data: ANSWERS[text] });
  });
});

test.each([
  ['map.json', { '2f8c': ONE }],
  ['manifest.json', apollo([{ id: '2f8c', body: ONE }])],
  ['one.graphql', ONE],
])('a single file is read: %s', async (name, content) => {
  const path = join(directoryOf({ [name]: content }), name);
  const gateway = await openGateway({
    env: { TRUSTED_DOCUMENTS: 'strict', TRUSTED_DOCUMENTS_PATH: path },
    sandbox: { emptyWorld: true },
  });
  expect(await (await postJson(gateway, { documentId: hashOf(ONE) })).json()).toEqual({ data: ANSWERS[ONE] });
});

test.each<[string, Record<string, unknown>, RegExp]>([
  ['a file that is not JSON', { 'a.json': '{"a":' }, /a\.json is not JSON$/],
  ['JSON that is no object', { 'a.json': [ONE] }, /a\.json must be a JSON object$/],
  ['a text that is no string', { 'a.json': { a: 7 } }, /a\.json: a has no text$/],
  ['an empty id', { 'a.json': { '': ONE } }, /a\.json: operation 1 has no id$/],
  [
    'another format',
    { 'a.json': { format: 'x', operations: [] } },
    /a\.json is no "apollo-persisted-query-manifest" of version 1$/,
  ],
  ['another version of Apollo’s', { 'a.json': apollo([], { version: 2 }) }, /of version 1$/],
  ['Apollo’s without operations', { 'a.json': apollo(undefined) }, /of version 1$/],
  ['an operation that is none', { 'a.json': apollo([null]) }, /a\.json: operation 1 has no id$/],
  ['an operation without a body', { 'a.json': apollo([{ id: 'a' }]) }, /a\.json: a has no text$/],
  ['a document that cannot be parsed', { 'a.graphql': '{ users(' }, /a\.graphql: Syntax Error/],
  [
    'a document that does not fit the schema',
    { 'a.json': { a: '{ peoples }' } },
    /a\.json: a: Cannot query field "peoples"/,
  ],
  [
    'a document that is too deep',
    {
      'a.graphql': `${'{ user(id: "a") { fans { nodes '.padEnd(30)}${'{ fans { nodes '.repeat(12)}{ id }${' } }'.repeat(13)} }`,
    },
    /a\.graphql: .*more than 15 levels/,
  ],
  [
    'an id that has another text elsewhere',
    { 'a.json': { a: ONE }, 'b.json': { a: TWO } },
    /b\.json: a: another document has the same id$/,
  ],
  ['a directory without documents', { 'README.md': '' }, /holds no documents$/],
])('%s is one of the settings’ errors', async (_title, files, problem) => {
  const problems = await problemsWith(files);
  expect(problems).toEqual([expect.stringMatching(problem)]);
  expect(problems[0]).toMatch(/^TRUSTED_DOCUMENTS_PATH: /);
});

test('a path where nothing is cannot be read', async () => {
  const path = join(directoryOf({}), 'nothing');
  expect(await problemsOf({ TRUSTED_DOCUMENTS: 'log', TRUSTED_DOCUMENTS_PATH: path })).toEqual([
    `TRUSTED_DOCUMENTS_PATH: ${path} cannot be read: ENOENT`,
  ]);
});

test('all that is wrong is named at once', async () => {
  expect(await problemsWith({ 'a.json': '{', 'b.json': { b: '{ x }', c: ONE, d: 4 }, 'e.graphql': '{' })).toHaveLength(
    4,
  );
});

test('the same document under the same id twice is no contradiction', async () => {
  expect(await problemsWith({ 'a.json': { a: ONE, b: TWO }, 'b.json': { a: '{users(ids:["star"]){id}}' } })).toEqual(
    [],
  );
});

test('nothing is read where no trust is asked for', async () => {
  expect(await problemsOf({ TRUSTED_DOCUMENTS: 'off', TRUSTED_DOCUMENTS_PATH: '/nowhere' })).toEqual([]);
});

test('the gateway’s own documents are no obstacle where users have another name', async () => {
  expect(await problemsOf({ TRUSTED_DOCUMENTS: 'strict', FEDERATION_USER_TYPE: 'Account' })).toEqual([]);
});

test('a gateway with documents that are wrong ends at the start with code 78, and says which', async () => {
  const path = directoryOf({ 'a.graphql': '{ peoples }' });
  const { code, stderr } = await run([], { ...ENV, TRUSTED_DOCUMENTS: 'strict', TRUSTED_DOCUMENTS_PATH: path });
  expect(code).toBe(78);
  expect(stderr).toContain('a.graphql: Cannot query field "peoples"');
});
