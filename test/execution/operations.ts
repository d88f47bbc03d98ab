// Random operations over the world's schema: fields that many fragments select again, aliases that are words of
// JavaScript, arguments and conditions of every kind. All are valid: an alias always stands for the same field.
import fc from 'fast-check';

const LEAVES = ['id', 'text', 'int', '__typename'];
const THING_LEAVES = [...LEAVES, 'float', 'flag', 'color', 'stamp', 'told', 'grid', 'words'];
const OBJECTS = ['one', 'must', 'few', 'all'];
const ALIASES: Record<string, string> = {
  text: '__proto__',
  id: 'constructor',
  int: 'toJSON',
  one: 'then',
  few: 'source',
};
const ARGUMENTS = ['n: 1', 'n: $n', 'n: 2, text: $text', 'n: $n, text: null', 'n: $other, range: { to: $n }'].concat(
  'n: 3, range: $range, list: $list',
  'n: 4, list: [$n, 5], id: $id',
  'n: 5, list: 6, id: 7, text: "\\"quoted\\""',
);
const CONDITIONS = ['', '', '', '', '@skip(if: true)', '@include(if: true)', '@include(if: false)'].concat(
  '@skip(if: $a)',
  '@include(if: $b)',
  '@skip(if: $c) @include(if: $a)',
);
const FRAGMENTS = ['F0', 'F1', 'F2'] as const;
const HEAD =
  'query Asked($n: Int!, $other: Int! = 3, $text: String = "default", $range: Range, $list: [Int!], $id: ID, $a: Boolean!, $b: Boolean! = true, $c: Boolean!)';

const condition = fc.constantFrom(...CONDITIONS);

function dressed(name: string): fc.Arbitrary<string> {
  const alias = ALIASES[name];
  return alias ? fc.constantFrom(name, name, `${alias}: ${name}`) : fc.constant(name);
}

const known = new Map<string, fc.Arbitrary<string>>();

/** Selections on a type, `depth` objects deep; fragments may be spread from the one with number `from` on. */
function selections(
  type: 'Query' | 'Thing' | 'Other' | 'Named' | 'Any',
  depth: number,
  from: number,
): fc.Arbitrary<string> {
  const key = `${type} ${depth} ${from}`;
  const before = known.get(key);
  if (before) return before;
  const below = (inner: typeof type) => selections(inner, depth - 1, from);
  const leaf = (names: string[]) => fc.constantFrom(...names).chain(dressed);
  const within = (name: string, inner: typeof type) =>
    fc.tuple(dressed(name), condition, below(inner)).map(([field, when, text]) => `${field} ${when} { ${text} }`);
  const inline = (on: typeof type) =>
    fc
      .tuple(fc.constantFrom(`on ${on}`, on === type ? '' : `on ${on}`), condition, below(on))
      .map(([head, when, text]) => `... ${head} ${when} { ${text} }`);
  const withCondition = (field: fc.Arbitrary<string>) => fc.tuple(field, condition).map((texts) => texts.join(' '));

  const some: fc.Arbitrary<string>[] = [];
  if (type === 'Any') some.push(fc.constant('__typename'));
  else if (type === 'Named') some.push(leaf(['id', 'text', '__typename']));
  else
    some.push(
      withCondition(leaf(type === 'Other' ? LEAVES : type === 'Query' ? THING_LEAVES.slice(0, -3) : THING_LEAVES)),
    );
  if (type === 'Thing')
    some.push(
      withCondition(fc.nat(ARGUMENTS.length - 1).map((n) => `e${n}: echo(${ARGUMENTS[n]})`)),
      ...(from < FRAGMENTS.length
        ? [withCondition(fc.constantFrom(...FRAGMENTS.slice(from)).map((name) => `...${name}`))]
        : []),
    );
  if (depth > 0) {
    if (type === 'Query' || type === 'Thing') {
      for (const name of OBJECTS) some.push(within(name, 'Thing'));
      some.push(within('named', 'Named'), within('any', 'Any'));
    }
    if (type === 'Other') some.push(within('next', 'Any'));
    if (type === 'Thing') some.push(inline('Thing'), inline('Named'));
    if (type === 'Named' || type === 'Any') some.push(inline('Thing'), inline('Other'));
  }
  const made = fc.array(fc.oneof(...some), { minLength: 1, maxLength: 5 }).map((texts) => texts.join(' '));
  known.set(key, made);
  return made;
}

const int = fc.integer({ min: -5, max: 5 });
export const variables: fc.Arbitrary<Record<string, unknown>> = fc.record(
  {
    n: int,
    other: int,
    text: fc.option(fc.string()),
    range: fc.option(fc.record({ from: int, to: fc.option(int), tags: fc.array(fc.string()) }, { requiredKeys: [] })),
    list: fc.option(fc.oneof(int, fc.array(int))),
    id: fc.option(fc.oneof(fc.string(), int)),
    a: fc.boolean(),
    b: fc.boolean(),
    c: fc.boolean(),
  },
  { requiredKeys: ['n', 'a', 'c'] },
);

/** Variables of which one may be missing or wrong. */
export const oddVariables = fc
  .tuple(
    variables,
    fc.constantFrom('n', 'other', 'text', 'id', 'a', 'b'),
    fc.constantFrom(undefined, null, 'x', 1.5, {}, 2 ** 31, [true]),
  )
  .map(([all, name, value]) => ({ ...all, [name]: value }));

export const operation: fc.Arbitrary<string> = fc
  .tuple(selections('Query', 3, 0), ...FRAGMENTS.map((_, n) => selections('Thing', 1, n + 1)))
  .map(([text, ...fragments]) =>
    [`${HEAD} { ${text} }`, ...FRAGMENTS.map((name, n) => `fragment ${name} on Thing { ${fragments[n]} }`)].join('\n'),
  );
