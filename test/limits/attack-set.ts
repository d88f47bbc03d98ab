// Documents and variables that are made to hurt: each must be refused with a code, at once, and without a call.

export const many = (count: number, make: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => make(n)).join(' ');
const nest = (open: string, inside: string, close: string, times = 20_000) =>
  `${open.repeat(times)}${inside}${close.repeat(times)}`;
/** A selection on a user of that many levels. */
export const below = (levels: number): string => {
  const pairs = Math.floor((levels - 1) / 2);
  return `{ ${nest('fans(first: 1) { nodes { ', levels % 2 === 0 ? 'fans { totalCount }' : 'id', ' } } ', pairs)} }`;
};
export const levels = (count: number) => `{ user(id: "a") ${below(count - 1)} }`;
export const ofUser = (selection: string) => `{ user(id: "a") { ${selection} } }`;
export const fans = (first: number | string, ofEach: string) => `fans(first: ${first}) { nodes { ${ofEach} } }`;

const BY_ID = 'query ($id: ID!) { user(id: $id) { id } }';
const DEEP = 'nested too deep';

/** What is sent, a document and variables as JSON, and what the refusal says where limits do not refuse what is merely long. */
export const ATTACKS: Record<string, [query: string, says: string, variables?: string]> = {
  '16 levels': [levels(16), '15 levels'],
  '16 levels in a fragment': [`{ user(id: "a") { ...A } } fragment A on User ${below(15)}`, '15 levels'],
  '16 levels in an operation beside': [`query A { __typename } query B ${levels(16)}`, '15 levels'],
  '16 levels through a fragment that is used before at a lower level': [
    `{ a: user(id: "a") { ...A } b: user(id: "a") { ${nest('fans { nodes { ', '...A', ' } } ', 6)} } }
    fragment A on User { fans { nodes { id } } }`,
    '15 levels',
  ],
  'levels of selections': [nest('{ a ', '', '}'), DEEP],
  'levels of selections that never close': ['{ a '.repeat(20_000), DEEP],
  'levels of lists': [`{ user(id: ${nest('[', '', ']')}) { id } }`, DEEP],
  'aliases of fields deep inside': [ofUser(many(101, (n) => `a${n}: nick`)), '100 aliases'],
  'an alias of 101 letters': [`{ ${'x'.repeat(101)}: __typename }`, '100 letters'],
  '51 directives': [`{ ${many(51, () => '__typename @include(if: true)')} }`, '50 directives'],
  'one field many times': [ofUser(many(402, () => 'id')), 'repeats a field'],
  'one field 100 times, in 40 places': [
    `{ ${many(40, (n) => `u${n}: user(id: "a") { ${many(100, () => 'id')} x }`)} }`,
    'repeats a field',
  ],
  'one fragment many times': [`{ ${many(401, () => '...A')} } fragment A on Query { id }`, 'repeats a field'],
  'fragments that spread each other in a row': [
    `{ ...A0 } ${many(10_000, (n) => `fragment A${n} on Query { ...A${n + 1} }`)} fragment A10000 on Query { __typename }`,
    'spreads fragments',
  ],
  'fragments, each spread everywhere': [
    `{ user(id: "a") { ${many(90, (n) => `...A${n}`)} } } ${many(90, (n) => `fragment A${n} on User { ${many(20, (k) => `x${k}: nick`)} }`)}`,
    'spreads fragments',
  ],
  'fragments of fragments side by side': [
    `{ user(id: "a") { ...A0 } } ${many(40, (n) => `fragment A${n} on User { ${many(40 - n - 1, (k) => `...A${n + k + 1}`)} id }`)}`,
    'spreads fragments',
  ],
  'fragments that multiply': [
    `${ofUser('...F0')} ${many(5, (n) => `fragment F${n} on User { ${many(10, (k) => `a${n}_${k}: ${fans(k + 1, `...F${n + 1}`)}`)} }`)} fragment F5 on User { id }`,
    '5000 times with its fragments spread',
  ],
  'circular fragments': [
    `{ user(id: "a") { ...A0 } } ${many(300, (n) => `fragment A${n} on User { ...A${(n + 1) % 300} }`)}`,
    'within itself',
  ],
  'lists of lists by variables': [
    `query ($n: Int = 100) ${ofUser(fans('$n', fans('$n', fans('$n', 'id'))))}`,
    '20000 values',
  ],
  'relations of many members one by one': [ofUser(fans(100, fans(2, 'relationTo(userId: "b")'))), '250 are allowed'],
  'known fans of a page of members': [ofUser(fans(50, 'knownFans(first: 1) { count }')), '250 are allowed'],
  '90 aliases of one list': [ofUser(many(90, (n) => `l${n}: ${fans(100, 'id nick avatar')}`)), '20000 values'],
  '30 aliases of a user, each with 30 aliases of a list that is cached': [
    `{ ${many(30, (n) => `u${n}: user(id: "a") { ...L }`)} } fragment L on User { ${many(30, (n) => `l${n}: ${fans(100, 'id')}`)} }`,
    '100 aliases',
  ],
  'introspection that multiplies': [
    `{ __schema { types { ${nest('fields { type { ', 'name', '} }', 5)} } } }`,
    'Maximum introspection depth exceeded',
  ],
  'a thousand unknown fields': [`{ ${many(1000, (n) => `f${n}`)} }`, 'Cannot query field "f0"'],
  'a list of 20,000 ids': [`{ users(ids: [${many(20_000, () => '"a"')}]) { id } }`, '20000 values'],
  'a text of 40,000 letters': [`{ user(id: "${'x'.repeat(40_000)}") { id } }`, '32768 characters'],
  'a variable of 40,000 letters': [BY_ID, '32768 characters', `{"id":"${'x'.repeat(40_000)}"}`],
  '6,000 values in variables': [BY_ID, '5000 values', `{"id":"a","x":[${'1,'.repeat(6000)}1]}`],
  'variables 40,000 lists deep': [BY_ID, '100 levels', `{"id":${nest('[', '', ']', 40_000)}}`],
  'variables 15,000 objects deep': [BY_ID, '100 levels', `{"id":${nest('{"a":', '1', '}', 15_000)}}`],
  'variables that nobody asked for': [BY_ID, '20 levels', `{"id":"a","x":${nest('[', '', ']', 50)}}`],
};
