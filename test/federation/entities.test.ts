// Users by reference, as routers ask for them.
import { expect, test } from 'vitest';
import { MAX_REPRESENTATIONS } from '../../src/graph/federation.ts';
import { type Answer, callCounts, openGateway, type TestGateway } from '../support/gateway.ts';

async function openCrowd(count: number) {
  const gateway = await openGateway();
  gateway.sandbox.world.addFans('star', count);
  const ids = gateway.sandbox.world.list('star', 'fans').map(({ id }) => id);
  return { gateway, ids };
}

const ask = (gateway: Pick<TestGateway, 'query'>, representations: unknown, fields = 'id') =>
  gateway.query(
    `query ($representations: [_Any!]!) { _entities(representations: $representations) { ... on User { ${fields} } } }`,
    { representations },
  );
const reference = (id: unknown) => ({ __typename: 'User', id });
const failures = ({ errors = [] }: Answer) => errors.map(({ path, extensions: { code } }) => [path?.join('.'), code]);

test('entities come in the order of their representations, one for each, repeated ones too, and ids alone cost nothing', async () => {
  const gateway = await openGateway();
  const ids = ['c', 'a', 'b', 'a', '7'];
  const { data } = await ask(gateway, ids.map(reference), '__typename id');
  expect(data).toEqual({ _entities: ids.map(reference) });
  expect(callCounts(gateway)).toEqual({});
});

test('one field answers as many entities as a router collects, and refuses more than it can bear, before any call', async () => {
  const { gateway, ids } = await openCrowd(MAX_REPRESENTATIONS);
  const { data, errors } = await ask(gateway, ids.map(reference), 'nick');
  expect(errors).toBeUndefined();
  expect(data?._entities).toHaveLength(MAX_REPRESENTATIONS);
  expect(callCounts(gateway)).toEqual({ portrait_get: MAX_REPRESENTATIONS / 100 });

  gateway.sandbox.calls.reset();
  const refused = await ask(gateway, [...ids, 'one-more'].map(reference), 'fansCount');
  expect(refused.data).toBeNull();
  expect(failures(refused)).toEqual([['_entities', 'BAD_USER_INPUT']]);
  expect(callCounts(gateway)).toEqual({});
});

test.each<[string, unknown]>([
  ['an unknown type', { __typename: 'Order', id: 'a' }],
  ['no type', { id: 'a' }],
  ['no key', { __typename: 'User' }],
  ['a key that is null', reference(null)],
  ['a key that is an object', reference({ toString: 'a' })],
  ['a key with a fraction', reference(1.5)],
  ['a key that cannot be a UserID', reference('not an id')],
  ['a key in its prototype alone', JSON.parse('{ "__typename": "User", "__proto__": { "id": "a" } }')],
  ['no object', 'User'],
])('a representation with %s fails alone, with BAD_USER_INPUT; the others are answered', async (_what, malformed) => {
  const { gateway, ids } = await openCrowd(2);
  const [first, second] = ids;
  const answer = await ask(gateway, [reference(first), malformed, reference(second)], 'id nick');
  expect(answer.data?._entities).toEqual([
    { id: first, nick: expect.any(String) },
    null,
    { id: second, nick: expect.any(String) },
  ]);
  expect(failures(answer)).toEqual([['_entities.1', 'BAD_USER_INPUT']]);
  expect(gateway.logLines.filter((line) => line.includes('A bug of ours'))).toEqual([]);
});

test('an id is taken as a number too, anything else that a router sends along is left alone, and an inline representation counts as well', async () => {
  const gateway = await openGateway();
  const { data } = await ask(gateway, [{ ...reference(7), orders: [{ id: 1 }], email: 'x' }]);
  expect(data).toEqual({ _entities: [{ id: '7' }] });
  const inline = await gateway.data(
    'query ($id: ID!) { _entities(representations: [{ __typename: "User", id: $id }]) { __typename ... on User { id } } }',
    { id: 'a' },
  );
  expect(inline).toEqual({ _entities: [reference('a')] });
});
