// Lists that are written once: which ones are, that nothing in them is ever old, and how much is kept.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { buildSchema, type GraphQLInterfaceType, type GraphQLObjectType, parse } from 'graphql';
import { expect, test } from 'vitest';
import { compileOperation } from '../../src/execution/compile.ts';
import { createTexts, type Texts } from '../../src/execution/texts.ts';
import { asText } from './as-text.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

type Item = { name: string; isKnown?: boolean; inner?: Item[] };
type Resolve = (source: never, args: never, context: never) => unknown;

/** Fields by `Type.field`: their resolvers, and whether they are constant. */
const FIELDS: Record<string, { resolve: Resolve; constant?: true | ((item: Item) => boolean) }> = {
  'Query.items': { resolve: (_root, _args, { items }: { items: Item[] }) => items, constant: true },
  'Query.fresh': { resolve: (_root, _args, { items }: { items: Item[] }) => items },
  'Item.name': { resolve: ({ name }: Item) => name, constant: true },
  'Item.known': { resolve: ({ name }: Item) => name, constant: ({ isKnown = true }) => isKnown },
  'Item.viewer': { resolve: (_item, _args, { viewer }: { viewer: string }) => viewer },
  'Item.some': { resolve: ({ name }: Item, { n }: { n: number }) => name.slice(n), constant: true },
  'Item.inner': { resolve: ({ inner }: Item) => inner, constant: true },
  'Item.one': { resolve: (item: Item) => item, constant: true },
  'Item.named': { resolve: (item: Item) => item, constant: true },
  'Item.later': { resolve: async ({ name }: Item) => name, constant: true },
};

const schema = buildSchema(`
  interface Named { name: String viewer: String }
  type Query { items: [Item!] fresh: [Item!] }
  type Item implements Named {
    name: String known: String viewer: String some(n: Int = 0): String later: String inner: [Item!] one: Item named: Named
  }
`);
(schema.getType('Named') as GraphQLInterfaceType).resolveType = () => 'Item';
for (const [path, { resolve, constant }] of Object.entries(FIELDS)) {
  const [type, field] = path.split('.') as [string, string];
  Object.assign((schema.getType(type) as GraphQLObjectType).getFields()[field] ?? {}, {
    resolve,
    extensions: { constant },
  });
}

function compile(query: string, texts: Texts | null) {
  const compiled = compileOperation(schema, parse(query), null, texts);
  if (!compiled) throw new Error('The operation can be compiled.');
  return asText(compiled);
}

const named = (...names: string[]): Item[] => names.map((name) => ({ name }));

/**
 * Whether a list that was written twice is found the third time, told by changing what must never change. One that is not
 * is written anew, as it is by then and for whoever asks.
 */
async function isKept(query: string, items: Item[], texts: Texts = createTexts(10_000)): Promise<boolean> {
  const { run } = compile(query, texts);
  const first = await run({ items, viewer: 'anna' }, {});
  expect(await run({ items, viewer: 'anna' }, {})).toBe(first);
  for (const item of items) item.name = 'changed';
  const third = await run({ items, viewer: 'ben' }, {});
  if (third === first) return true;
  expect(third).toBe(await compile(query, null).run({ items, viewer: 'ben' }, {}));
  return false;
}

test.each([
  ['constant fields alone', '{ items { name __typename } }', true],
  ['constant fields in fragments', '{ items { ...F } } fragment F on Item { name ... on Item { again: name } }', true],
  ['a field that is constant for each of the items', '{ items { known } }', true],
  ['constant fields of an object in it', '{ items { one { name one { known } } } }', true],
  ['a field that depends on the context', '{ items { name viewer } }', false],
  ['such a field of an object in it', '{ items { name one { viewer } } }', false],
  ['such a field of an object that is selected twice', '{ items { one { name } one { viewer } } }', false],
  ['such a field in a fragment', '{ items { one { name } ...F } } fragment F on Item { one { viewer } }', false],
  ['such a field of a list in it', '{ items { name inner { viewer } } }', false],
  ['an object of an abstract type', '{ items { named { name } } }', false],
  ['a field with arguments', '{ items { name some } }', false],
  ['a promised field', '{ items { name later } }', false],
  ['a list that is not constant', '{ fresh { name } }', false],
])('a list of which is selected: %s', async (_title, query, expected) => {
  expect(await isKept(query, named('one', 'two'))).toBe(expected);
});

test('a list is not kept when a field is not constant for one of its items, also within', async () => {
  const unknown = { name: 'two', isKnown: false };
  expect(await isKept('{ items { known } }', [...named('one'), unknown])).toBe(false);
  const query = '{ items { name inner { known } } }';
  const items = (inner: Item[]) => [
    { name: 'first', inner },
    { name: 'second', inner: named('three') },
  ];
  expect(await isKept(query, items(named('one')))).toBe(true);
  expect(await isKept(query, items([unknown]))).toBe(false);
});

test('a list that is written once is not kept', () => {
  const texts = createTexts(10_000);
  const { run } = compile('{ items { name } }', texts);
  run({ items: named('one') }, {});
  expect(texts.bytes()).toBe(0);
});

test('a list that fails is not kept', () => {
  const texts = createTexts(10_000);
  const { run } = compile('{ items { name } }', texts);
  const items = [{ name: Symbol('no text') as unknown as string }];
  for (let times = 0; times < 2; times++) expect(run({ items }, {})).toBeNull();
  items[0] = { name: 'one' };
  expect(run({ items }, {})).toBe('{"items":[{"name":"one"}]}');
});

test('behind a list that is kept, others are kept as well', async () => {
  const texts = createTexts(10_000);
  expect(await isKept('{ a: items { name inner { name } } b: items { n: name } }', named('one'), texts)).toBe(true);
  expect(texts.bytes()).toBeGreaterThan(2000);
});

test('a text that would take a good part of the memory is not kept', async () => {
  expect(await isKept('{ items { name } }', named('x'.repeat(3000)))).toBe(false);
});

test('another list, and another selection of the same list, are other texts', () => {
  const texts = createTexts(10_000);
  const [names, aliases] = [compile('{ items { name } }', texts), compile('{ items { n: name } }', texts)];
  const [one, two] = [named('one'), named('two')];
  for (let times = 0; times < 3; times++) {
    expect(names.run({ items: one }, {})).toBe('{"items":[{"name":"one"}]}');
    expect(names.run({ items: two }, {})).toBe('{"items":[{"name":"two"}]}');
    expect(aliases.run({ items: one }, {})).toBe('{"items":[{"n":"one"}]}');
  }
});

test('100,000 lists take no more memory than there is for them, and keep no list alive', async () => {
  const texts = createTexts(4_000_000);
  const { run } = compile('{ items { name } }', texts);
  /** What is alive, once whatever can go is gone. */
  const living = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = await living();
  for (let n = 0; n < 100_000; n++) {
    const items = named(`${n} 名`.repeat(1 + (n % 20)), 'x'.repeat(n % 200));
    for (let times = 0; times < 2; times++) run({ items }, {});
  }
  expect(texts.bytes()).toBeGreaterThan(3_600_000);
  expect(texts.bytes()).toBeLessThanOrEqual(4_000_000);
  expect((await living()) - before).toBeLessThan(4_000_000 * 1.25);
  expect(texts.find([], 1)).toBeUndefined();
});
