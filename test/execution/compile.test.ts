// What is compiled and what is not, and what a compiled operation promises beside the right data.
import fc from 'fast-check';
import { buildSchema, type GraphQLObjectType, type GraphQLResolveInfo, type GraphQLScalarType, parse } from 'graphql';
import { expect, onTestFinished, test } from 'vitest';
import { compileOperation } from '../../src/execution/compile.ts';
import { asText } from './as-text.ts';

const SDL = `
  directive @marked on FIELD
  interface Node { id: ID! }
  type Item implements Node { id: ID! name(upper: Boolean = false, times: Int, of: [Int]): String like: Item }
  scalar Odd
  type Query { odd(of: [Int]): Odd odds: [Odd] items(first: Int = 2): [Item!] item: Item node: Node text: String number: Int ratio: Float }
  type Mutation { change: String }
  type Subscription { changed: String }
`;

const TWENTY = Array.from({ length: 20 }, (_, n) => n);

type Resolvers = Record<string, (source: unknown, args: never, context: never, info: never) => unknown>;

/** Compiles an operation over the schema above with resolvers by `Type.field`. */
function compile(query: string, resolvers: Resolvers = {}, operationName: string | null = null) {
  const schema = buildSchema(SDL);
  for (const [path, resolve] of Object.entries(resolvers)) {
    const [type, field] = path.split('.') as [string, string];
    Object.assign((schema.getType(type) as GraphQLObjectType).getFields()[field] ?? {}, { resolve });
  }
  (schema.getType('Odd') as GraphQLScalarType).serialize = (value) => {
    if (value === 'throws') throw new Error('It cannot be serialized.');
    if (value === 'promise') return Promise.resolve('told');
    return value === 'null' ? null : value === 'undefined' ? undefined : value;
  };
  const compiled = compileOperation(schema, parse(query), operationName);
  return compiled && asText(compiled);
}

test.each([
  ['a mutation', 'mutation { change }'],
  ['a subscription', 'subscription { changed }'],
  ['introspection of the schema', '{ __schema { queryType { name } } }'],
  ['introspection of a type', '{ text ...F } fragment F on Query { type: __type(name: "Item") { name } }'],
  ['a directive other than @skip and @include', '{ text @marked }'],
  ['an abstract type that does not tell the types of its objects', '{ node { id } }'],
  [
    'more than four variables in conditions',
    'query ($a: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!, $e: Boolean!) { a: text @skip(if: $a) b: text @skip(if: $b) c: text @skip(if: $c) d: text @skip(if: $d) ... @include(if: $e) { text } }',
  ],
  ['several operations of which none is named', 'query A { text } query B { text }'],
  [
    'a short document of a million fields',
    `{ item { ...F0 } } ${TWENTY.map((n) => `fragment F${n} on Item { a: like { ...F${n + 1} } b: like { ...F${n + 1} } }`).join(' ')} fragment F20 on Item { id }`,
  ],
])('%s is not compiled', (_title, query) => {
  expect(compile(query)).toBeNull();
});

test('a type that checks its objects is not compiled', () => {
  const schema = buildSchema(SDL);
  (schema.getType('Item') as GraphQLObjectType).isTypeOf = () => true;
  expect(compileOperation(schema, parse('{ item { id } }'), null)).toBeNull();
  expect(compileOperation(schema, parse('{ text }'), null)).not.toBeNull();
});

test('of several operations the one that is named is run', () => {
  const compiled = compile('query A { __typename } query B { name: __typename }', {}, 'B');
  expect(compiled?.run({}, null)).toBe('{"name":"Query"}');
});

test('an operation whose resolvers all answer at once answers at once', () => {
  const compiled = compile('{ text }', { 'Query.text': () => 'here' });
  expect(compiled?.run({}, {})).toBe('{"text":"here"}');
});

test('keys keep their order when what comes first is promised', async () => {
  const item = { id: Promise.resolve('1'), name: 'one' };
  const compiled = compile('{ item { id name } text }', {
    'Query.item': () => new Promise((resolve) => setImmediate(resolve, item)),
    'Query.text': () => 'here',
  });
  expect(await compiled?.run({}, {})).toBe('{"item":{"id":"1","name":"one"},"text":"here"}');
});

test('a text that holds what marks the places of promised values stays as it is', async () => {
  const compiled = compile('{ text item { id name like { id } } }', {
    'Query.text': () => '\0 0\0',
    'Query.item': async () => ({ id: '\0 1\0', name: Promise.resolve('\0'), like: { id: Promise.resolve('1') } }),
  });
  expect(JSON.parse((await compiled?.run({}, {})) ?? '')).toEqual({
    text: '\0 0\0',
    item: { id: '\0 1\0', name: '\0', like: { id: '1' } },
  });
});

test('texts of any letters are written as JSON.stringify writes them', () => {
  const odd = fc.string({
    unit: fc.oneof(fc.constantFrom('"', '\\', '\0', '\n', '\x7f', '\u2028', '\ud800', '\udfff'), fc.string()),
  });
  const property = fc.property(odd, (text) => {
    const told = compile('{ text odd }', { 'Query.text': () => text, 'Query.odd': () => text })?.run({}, {});
    expect(told).toBe(JSON.stringify({ text, odd: text }));
  });
  fc.assert(property, { numRuns: 300 });
});

test.each<[title: string, argument: string, seen: object]>([
  ['a variable that is given', 'upper: $given', { upper: true }],
  ['a variable that is null', 'upper: $none', { upper: null }],
  ['a variable that is not given, with the default of the argument', 'upper: $missing', { upper: false }],
  ['a variable that is not given, with a default of its own', 'upper: $own', { upper: true }],
  ['a literal beside a variable', 'upper: true, times: $times', { upper: true, times: 2 }],
  ['a literal null beside a variable', 'upper: null, times: $times', { upper: null, times: 2 }],
  ['a list with a variable in it', 'upper: $given, of: [1, $times]', { upper: true, of: [1, 2] }],
])('an argument that is %s', (_title, argument, seen) => {
  const head = 'query ($given: Boolean, $none: Boolean, $missing: Boolean, $own: Boolean = true, $times: Int)';
  let args: object = {};
  const compiled = compile(`${head} { item { name(${argument}) } }`, {
    'Query.item': () => ({}),
    'Item.name': (_item, given: object) => {
      args = given;
      return 'told';
    },
  });
  expect(compiled?.run({}, { given: true, none: null, times: 2 })).toBe('{"item":{"name":"told"}}');
  expect(args).toEqual(seen);
});

test('an alias "__proto__" is a key like any other, also for what is promised', async () => {
  const compiled = compile('{ __proto__: text item { __proto__: id } }', {
    'Query.text': () => 'here',
    'Query.item': () => ({ id: Promise.resolve('1') }),
  });
  expect(await compiled?.run({}, {})).toBe('{"__proto__":"here","item":{"__proto__":"1"}}');
});

test('arguments are coerced once for all items of a list, and cannot be changed', () => {
  const seen = new Set<object>();
  const compiled = compile('query ($upper: Boolean) { items { name(upper: $upper) } }', {
    'Query.items': () => [{}, {}, {}],
    'Item.name': (_item, args: { upper: boolean }) => {
      seen.add(args);
      expect(Object.isFrozen(args)).toBe(true);
      return String(args.upper);
    },
  });
  expect(compiled?.run({}, { upper: true })).toBe('{"items":[{"name":"true"},{"name":"true"},{"name":"true"}]}');
  expect(seen.size).toBe(1);
  compiled?.run({}, { upper: true });
  expect(seen.size).toBe(2);
});

test('a run that fails ends at once, whatever it still waits for', async () => {
  const compiled = compile('{ text item { id } }', {
    'Query.text': () => new Promise(() => {}),
    'Query.item': async () => ({ id: null }),
  });
  expect(await compiled?.run({}, {})).toBeNull();
});

test.each<[title: string, resolvers: Resolvers]>([
  ['an error given as an object', { 'Query.item': () => new Error('given') }],
  ['an error in a list of objects', { 'Query.items': () => [{}, new Error('given')] }],
  ['a null among items that cannot be null', { 'Query.items': () => [{}, null] }],
  ['a string for a list', { 'Query.items': () => 'abc' }],
  ['a scalar that serializes to nothing', { 'Query.odd': () => null, 'Query.odds': () => ['null'] }],
  ['a scalar that serializes to undefined', { 'Query.odd': () => 'undefined' }],
  ['a scalar that does not serialize', { 'Query.odd': () => 'throws' }],
  ['a scalar that serializes to a function', { 'Query.odd': () => () => 'told' }],
  ['a scalar that serializes to a promise', { 'Query.odds': () => ['promise'] }],
  ['a number that is too large', { 'Query.number': () => 2 ** 31 }],
  ['a number with a fraction', { 'Query.number': () => 1.5 }],
  ['a number that is none', { 'Query.ratio': () => Number.NaN }],
  ['a resolver that throws', { 'Query.text': () => JSON.parse('{') }],
])('%s has no answer', (_title, resolvers) => {
  const query = '{ text odd odds number ratio item { __typename } items { __typename } }';
  expect(compile(query)?.run({}, {})).not.toBeNull();
  expect(compile(query, resolvers)?.run({}, {})).toBeNull();
});

test('a rejection is heard although an item before it is broken', async () => {
  const unheard: unknown[] = [];
  const hear = (reason: unknown) => void unheard.push(reason);
  process.on('unhandledRejection', hear);
  onTestFinished(() => void process.off('unhandledRejection', hear));
  const compiled = compile('{ odds }', { 'Query.odds': () => ['throws', Promise.reject(new Error('heard'))] });
  expect(compiled?.run({}, {})).toBeNull();
  await new Promise(setImmediate);
  expect(unheard).toEqual([]);
});

test('a field that a fragment selects is there once, however often the fragment is spread', () => {
  const resolvers: Resolvers = {
    'Query.text': (_root, _args, _context, info: GraphQLResolveInfo) => info.fieldNodes.length,
  };
  expect(compile('{ ...F ... { ...F } text } fragment F on Query { text }', resolvers)?.run({}, {})).toBe(
    '{"text":"2"}',
  );
});

test('a variable inside a list is a new one for each run', () => {
  const resolvers: Resolvers = { 'Query.odd': (_root, { of }: { of: number[] }) => of.join() };
  const compiled = compile('query ($n: Int) { odd(of: [1, $n]) }', resolvers);
  expect(compiled?.run({}, { n: 2 })).toBe('{"odd":"1,2"}');
  expect(compiled?.run({}, { n: 3 })).toBe('{"odd":"1,3"}');
});

test.each<[title: string, variables: Record<string, unknown>]>([
  ['of another type', { n: '1', id: 'a' }],
  ['out of range', { n: 2 ** 31, id: 'a' }],
  ['null where none may be', { n: 1, id: null }],
  ['missing', { n: 1 }],
])('a variable that is %s is not accepted', (_title, variables) => {
  const compiled = compile(
    'query ($n: Int, $id: ID!) { odd(of: [$n]) ...F @include(if: true) } fragment F on Query { text }',
  );
  expect(compiled?.run({}, { n: 1, id: 'a' })).not.toBeNull();
  expect(compiled?.run({}, { n: null, id: 7 })).not.toBeNull();
  expect(compiled?.run({}, variables)).toBeNull();
});

test('conditions are decided anew for each run', () => {
  const compiled = compile(
    'query ($with: Boolean!, $not: Boolean = true) { text @include(if: $with) __typename @skip(if: $not) }',
  );
  expect(compiled?.run({}, { with: true, not: false })).toBe('{"text":null,"__typename":"Query"}');
  expect(compiled?.run({}, { with: false, not: false })).toBe('{"__typename":"Query"}');
  expect(compiled?.run({}, { with: true })).toBe('{"text":null}');
  expect(compiled?.run({}, { with: false })).toBe('{}');
  expect(compiled?.run({}, { with: 'yes' })).toBeNull();
});
