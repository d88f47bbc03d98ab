// What a deployment can switch off, and what is off in production by itself.
import { getIntrospectionQuery } from 'graphql';
import { describe, expect, test } from 'vitest';
import { codesOf, get, openEmptyHouse, post, readRefusal } from './requests.ts';

const html = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } };

describe.each([
  ['INTROSPECTION=off', { INTROSPECTION: 'off' }],
  ['NODE_ENV=production', { NODE_ENV: 'production' }],
])('with %s', (_title, env) => {
  test.each([
    ['the introspection query', getIntrospectionQuery()],
    ['__schema', '{ __schema { queryType { name } } }'],
    ['__schema under another name', '{ a: __schema { queryType { name } } }'],
    ['__type', '{ __type(name: "User") { fields { name } } }'],
    ['__schema in a fragment', '{ ...F } fragment F on Query { ... { __schema { queryType { name } } } }'],
  ])('%s is refused', async (_name, query) => {
    const house = await openEmptyHouse(env);
    const answer = await readRefusal(house, await post(house, JSON.stringify({ query })));
    expect(new Set(codesOf(answer))).toEqual(new Set(['GRAPHQL_VALIDATION_FAILED']));
  });

  test('__typename still answers', async () => {
    const house = await openEmptyHouse(env);
    expect(await house.data('{ __typename user(id: "anna") { __typename } }')).toEqual({
      __typename: 'Query',
      user: { __typename: 'User' },
    });
  });
});

test('introspection answers by default, and in production when it is switched on', async () => {
  for (const env of [undefined, { NODE_ENV: 'production', INTROSPECTION: 'on' }]) {
    const house = await openEmptyHouse(env);
    expect(await house.data('{ __schema { queryType { name } } }')).toEqual({
      __schema: { queryType: { name: 'Query' } },
    });
  }
});

test.each([
  ['GRAPHIQL=off', { GRAPHIQL: 'off' }],
  ['NODE_ENV=production', { NODE_ENV: 'production' }],
])('with %s a browser gets no GraphiQL page', async (_title, env) => {
  const house = await openEmptyHouse(env);
  const bare = await get(house, {}, html);
  expect(codesOf(await readRefusal(house, bare))).toEqual(['BAD_REQUEST']);
  const query = await get(house, { query: '{ __typename }' }, html);
  expect(await query.json()).toEqual({ data: { __typename: 'Query' } });
});

describe('the GraphiQL page', () => {
  test('is served to a browser by default, and in production when it is switched on', async () => {
    for (const env of [undefined, { NODE_ENV: 'production', GRAPHIQL: 'on' }]) {
      const house = await openEmptyHouse(env);
      const response = await get(house, {}, html);
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(response.headers.get('content-encoding')).toBe('gzip');
      expect((await response.text()).slice(0, 1000)).toContain('<title>follow-gateway · GraphiQL</title>');
    }
  });

  test('comes as it is to a client that cannot decompress', async () => {
    const house = await openEmptyHouse();
    const response = await get(house, {}, { headers: { ...html.headers, 'accept-encoding': 'identity' } });
    expect(response.headers.get('content-encoding')).toBeNull();
    expect((await response.text()).trimStart().startsWith('<!doctype html>')).toBe(true);
  });

  test('names no other host that a browser would load from', async () => {
    const house = await openEmptyHouse();
    const page = await (await get(house, {}, html)).text();
    const [markup] = page.split('<script>', 1);
    expect(markup).not.toMatch(/(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?\/\//i);
    expect(page.match(/<script[^>]+src=/i)).toBeNull();
  });

  test('is not what a program gets that does not ask for HTML', async () => {
    const house = await openEmptyHouse();
    const response = await get(house, { query: '{ __typename }' }, { headers: { accept: 'application/json' } });
    expect(await response.json()).toEqual({ data: { __typename: 'Query' } });
  });
});
