// What a deployment can switch off, and what is off in production by itself.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { getIntrospectionQuery, parse, print } from 'graphql';
import { expect, test } from 'vitest';
import { readStarterOperations } from '../../src/server/graphiql.ts';
import { openGateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { bugs, codesOf, get, post, readRefusal } from './requests.ts';

const html = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } };

test.each<Record<string, string>>([{ INTROSPECTION: 'off' }, { NODE_ENV: 'production' }])(
  'with %j introspection is refused in whatever way it is asked for, and __typename still answers',
  async (env) => {
    const gateway = await openGateway({ env });
    for (const query of [
      getIntrospectionQuery(),
      '{ __schema { queryType { name } } }',
      '{ __type(name: "User") { fields { name } } }',
      '{ ...F } fragment F on Query { ... { __schema { queryType { name } } } }',
    ]) {
      const answer = await readRefusal(gateway, await post(gateway, JSON.stringify({ query })));
      expect(new Set(codesOf(answer))).toEqual(new Set(['GRAPHQL_VALIDATION_FAILED']));
    }
    const data = { __typename: 'Query', user: { __typename: 'User' } };
    expect(await gateway.data('{ __typename user(id: "anna") { __typename } }')).toEqual(data);
  },
);

test.each<Record<string, string>>([{ GRAPHIQL: 'off' }, { NODE_ENV: 'production' }])(
  'with %j a browser gets no GraphiQL page',
  async (env) => {
    const gateway = await openGateway({ env });
    expect(codesOf(await readRefusal(gateway, await get(gateway, {}, html)))).toEqual(['BAD_REQUEST']);
    const query = await get(gateway, { query: '{ __typename }' }, html);
    expect(await query.json()).toEqual({ data: { __typename: 'Query' } });
  },
);

test.each<Record<string, string>>([{}, { NODE_ENV: 'production', INTROSPECTION: 'on', GRAPHIQL: 'on' }])(
  'with %j introspection answers, and a browser gets GraphiQL',
  async (env) => {
    const gateway = await openGateway({ env });
    expect(await gateway.data('{ __schema { description queryType { name } } }')).toEqual({
      __schema: { description: expect.stringMatching(/^Who follows whom/), queryType: { name: 'Query' } },
    });
    const response = await get(gateway, {}, html);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect((await response.text()).slice(0, 1000)).toContain('<title>follow-gateway</title>');
  },
);

/** What the part "Production" of deploy/README.md sets, but for the upstream, which is a sandbox here, and Redis. */
const PRODUCTION = { NODE_ENV: 'production', AUTH: 'usersig', CORS_ORIGINS: 'https://app.example', TRUST_PROXY: '1' };

test('in production nothing is guessed for a misspelt name, wherever it stands', async () => {
  const [production, development] = [await openGateway({ env: PRODUCTION }), await openGateway()];
  for (const [query, variables] of [
    ['{ usr(id: "anna") { id } }'],
    ['query ($id: Strin) { user(id: $id) { id } }'],
    ['{ node(id: "anna") { nick } }'],
    [
      'mutation ($input: FollowUsersInput!) { followUsers(input: $input) { __typename } }',
      { input: { userIds: ['a'], userId: ['a'] } },
    ],
  ]) {
    const body = JSON.stringify({ query, variables });
    const answer = await readRefusal(production, await post(production, body));
    expect(JSON.stringify(answer)).not.toMatch(/did you mean/i);
    expect(await (await post(development, body)).text()).toMatch(/Did you mean/);
  }
});

/** What a shell exports into which the page's block is pasted: its settings, but for the upstream and the address of Redis. */
async function settingsOfThePage(): Promise<Record<string, string>> {
  const text = readFileSync(new URL('../../deploy/README.md', import.meta.url), 'utf8');
  const [, page = ''] = /## Production.*?```sh\n(.*?)```/s.exec(text) ?? [];
  const { stdout } = await promisify(execFile)('sh', ['-c', `${page}\nenv`], { env: { PATH: process.env.PATH } });
  const set = Array.from(stdout.matchAll(/^([A-Z_]+)=(.*)$/gm), ([, name = '', value = '']) => [name, value] as const);
  const ours = set.filter(([name]) => !/^(TENCENT_|PATH$|PWD$|SHLVL$|_$)/.test(name));
  return { ...Object.fromEntries(ours), REDIS_URL: (await startRedis()).url };
}

test('the production settings of deploy/README.md start, run their documents, and show nothing of the gateway', async () => {
  const env = await settingsOfThePage();
  expect(env).toMatchObject({ NODE_ENV: 'production', TRUSTED_DOCUMENTS: 'strict', LIST_VISIBILITY: 'authenticated' });
  const gateway = await openGateway({ env });
  const [fansScreen = ''] = readStarterOperations();
  // As it is written, with its comments, and as a client's tools print it.
  for (const text of [fansScreen, fansScreen.trim(), print(parse(fansScreen))])
    expect(await gateway.query(text, { userId: 'administrator' })).toMatchObject({
      data: { user: { id: 'administrator', fans: null } },
      errors: [{ extensions: { code: 'FORBIDDEN' } }],
    });
  for (const query of [
    '{ __schema { queryType { name } } }',
    '{ _service { sdl } }',
    '{ usr(id: "a") { id } }',
    '{ user(',
  ]) {
    const text = await (await post(gateway, JSON.stringify({ query }))).text();
    expect(text).toContain('DOCUMENT_NOT_TRUSTED');
    expect(text).not.toMatch(/did you mean|"name":"Query"|type User|stack|node_modules/i);
  }
  expect(await (await get(gateway, {}, html)).text()).not.toContain('GraphiQL');
  expect(bugs(gateway)).toEqual([]);
});
