// Known operations: how many there are at most, and which of them may have answers that everybody gets.
import { parse } from 'graphql';
import { expect, test } from 'vitest';
import { createServedSchema } from '../../src/graph/federation.ts';
import { createKnownOperations, type KnownOperationsOptions } from '../../src/operations/known-operations.ts';

const schema = createServedSchema({ introspection: true });

function openOperations(options: Partial<KnownOperationsOptions> = {}) {
  const checked: string[] = [];
  const operations = createKnownOperations({
    schema,
    after: 0,
    check(text) {
      checked.push(text);
      try {
        return parse(text);
      } catch (error) {
        return { problem: (error as Error).message };
      }
    },
    isTrusted: () => true,
    lists: null,
    publicOperations: [],
    ...options,
  });
  return { operations, checked };
}

test('of 100,000 different operations the youngest few thousand are ready, and no others', () => {
  const { operations, checked } = openOperations();
  const textOf = (n: number) => `{ user(id: "user_${n}") { id } }`;
  for (let n = 0; n < 100_000; n++) operations.find(textOf(n), null);
  checked.length = 0;
  for (let n = 99_999; n >= 95_000; n--) expect(operations.find(textOf(n), null)).not.toBeNull();
  expect(checked).toEqual([]);
  operations.find(textOf(90_000), null);
  expect(checked).toEqual([textOf(90_000)]);
});

test('of long operations fewer are ready than of short ones', () => {
  const { operations, checked } = openOperations();
  const textOf = (n: number) => `{ user(id: "user_${n}") { id } } #${'x'.repeat(10_000)}`;
  for (let n = 0; n < 100; n++) operations.find(textOf(n), null);
  checked.length = 0;
  for (let n = 99; n > 75; n--) operations.find(textOf(n), null);
  expect(checked).toEqual([]);
  operations.find(textOf(60), null);
  expect(checked).toHaveLength(1);
});

test('what is longer than any operation that a client has is left to the long way, however often it is asked', () => {
  const { operations } = openOperations({ after: 2 });
  const text = `{ user(id: "star") { id } } #${'x'.repeat(16_384)}`;
  for (let times = 0; times < 5; times++) expect(operations.find(text, null)).toBeNull();
});

test('names of operations count like letters of their texts: no number of names makes more', () => {
  const { operations, checked } = openOperations();
  const text = 'query A { user(id: "star") { id } }';
  for (let n = 0; n < 100_000; n++) operations.find(text, `Name${n}`);
  checked.length = 0;
  expect(operations.find(text, 'A')).not.toBeNull();
  expect(operations.find(text, 'Name0')).toBeNull();
  expect(checked).toHaveLength(2);
});

test('an operation is ready after it has been asked as often as it takes, and is the same from then on', () => {
  const { operations } = openOperations({ after: 2 });
  const text = '{ user(id: "star") { id } }';
  expect([operations.find(text, null), operations.find(text, null)]).toEqual([null, null]);
  const ready = operations.find(text, null);
  expect(ready).not.toBeNull();
  expect(operations.find(text, null)).toBe(ready);
});

test('one that was forgotten comes back under another number, so that what was kept for it is found no more', () => {
  const { operations } = openOperations();
  const text = '{ user(id: "star") { id } }';
  const before = operations.find(text, null)?.id;
  for (let n = 0; n < 10_000; n++) operations.find(`{ user(id: "user_${n}") { id } }`, null);
  const after = operations.find(text, null)?.id;
  expect([before, after]).toEqual([expect.any(Number), expect.any(Number)]);
  expect(after).not.toBe(before);
});

test('operations of one document have numbers of their own', () => {
  const { operations } = openOperations();
  const text = 'query A { user(id: "star") { id } } query B { user(id: "star") { nick } }';
  const [a, b] = [operations.find(text, 'A'), operations.find(text, 'B')];
  expect(a?.id).not.toBe(b?.id);
  expect(operations.find(text, null)).toBeNull();
  expect(operations.find(text, 'C')).toBeNull();
});

test.each([
  ['a mutation', 'mutation { followUsers(input: { userIds: ["star"] }) { viewer { id } } }'],
  ['a subscription', 'subscription { followEvents(userId: "star") { __typename } }'],
  ['introspection', '{ __schema { types { name } } }'],
  ['what cannot be parsed', '{'],
])('%s is never ready', (_title, text) => {
  const { operations } = openOperations();
  expect(operations.find(text, null)).toBeNull();
  expect(operations.find(text, null)).toBeNull();
});

const answersFor = (text: string, operationName: string | null, options: Partial<KnownOperationsOptions>) => {
  const operation = openOperations(options).operations.find(text, operationName);
  return { isPublic: operation?.isPublic, isForEverybody: operation?.isForEverybody };
};
const NOBODYS = { isPublic: false, isForEverybody: false };

test('only a trusted document has answers that are kept, whatever its operation is called', () => {
  const text = 'query Public { user(id: "star") { id } }';
  const publicOperations = ['Public'];
  expect(answersFor(text, null, { publicOperations })).toEqual({ isPublic: true, isForEverybody: true });
  expect(answersFor(text, null, { publicOperations, isTrusted: () => false })).toEqual(NOBODYS);
  expect(answersFor(text, null, {})).toEqual({ isPublic: true, isForEverybody: false });
});

test('the operation that runs is the one that must be public, not another of its document', () => {
  const text = 'query Public { user(id: "star") { id } } query Other { user(id: "star") { id } }';
  const publicOperations = ['Public'];
  expect(answersFor(text, 'Public', { publicOperations })).toEqual({ isPublic: true, isForEverybody: true });
  expect(answersFor(text, 'Other', { publicOperations })).toEqual({ isPublic: true, isForEverybody: false });
});

test('an operation without a name is nobody’s choice', () => {
  expect(answersFor('{ user(id: "star") { id } }', null, { publicOperations: ['null', 'undefined'] })).toMatchObject({
    isForEverybody: false,
  });
});

test.each([
  ['by itself', 'query Public { viewer { id } }'],
  ['by another name', 'query Public { user(id: "star") { nick: viewerIsFollowing } }'],
  ['in a fragment', 'query Public { user(id: "star") { ...F } } fragment F on User { knownFans { count } }'],
  ['in an inline fragment', 'query Public { node(id: "star") { ... on User { relationTo(userId: "anna") } } }'],
  [
    'deep in a list',
    'query Public { user(id: "star") { fans { nodes { follows { nodes { isFollowingViewer } } } } } }',
  ],
  [
    'left out by a condition',
    'query Public($on: Boolean!) { user(id: "star") { id viewerCanFollow @include(if: $on) } }',
  ],
  ['in another operation of the document', 'query Public { user(id: "star") { id } } query Other { viewer { id } }'],
])('a field of the viewer’s %s leaves a document without answers for everybody', (_title, text) => {
  expect(answersFor(text, 'Public', { publicOperations: ['Public'] })).toEqual(NOBODYS);
});

test('what was made up, however long and however often something new, pushes nothing out that is ready', () => {
  const { operations } = openOperations({ after: 2 });
  const text = '{ user(id: "star") { id } }';
  for (let times = 0; times < 3; times++) operations.find(text, null);
  const ready = operations.find(text, null);
  expect(ready).not.toBeNull();
  for (let n = 0; n < 1000; n++) operations.find(`{ junk${n} } #${'x'.repeat(16_000)}`, null);
  for (let n = 0; n < 10; n++) operations.find(`{ junk${n} } #${'x'.repeat(99_000)}`, null);
  expect(operations.find(text, null)).toBe(ready);
});
