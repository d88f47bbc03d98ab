// Documents and variables that are made to hurt: each must be refused with a code, at once, and without a call.

const many = (count: number, make: (n: number) => string) => Array.from({ length: count }, (_, n) => make(n)).join(' ');
const nest = (open: string, inside: string, close: string, times: number) =>
  `${open.repeat(times)}${inside}${close.repeat(times)}`;
const BY_ID = 'query ($id: ID!) { user(id: $id) { id } }';

/** What is sent: a document, and variables as JSON. */
export const ATTACKS: Record<string, [query: string, variables?: string]> = {
  'deep, within the tokens': [`{ user(id: "a") { ${nest('fans { nodes { ', 'id', '} } ', 100)} } }`],
  'deep, 20,000 levels': [nest('{ a ', '', '}', 20_000)],
  'lists of lists': [`{ user(id: "a") { ${nest('fans(first: 100) { nodes { ', 'id', '} }', 6)} } }`],
  'circular fragments': [
    `{ user(id: "a") { ...A0 } } ${many(300, (n) => `fragment A${n} on User { ...A${(n + 1) % 300} }`)}`,
  ],
  'fragments that multiply': [
    `{ user(id: "a") { ...F0 } } ${many(6, (n) => `fragment F${n} on User { ${many(50, (k) => `a${n}_${k}: fans(first: ${k + 1}) { nodes { ...F${n + 1} } }`)} }`)} fragment F6 on User { id }`,
  ],
  'many fragments, each spread everywhere': [
    `{ user(id: "a") { ${many(90, (n) => `...A${n}`)} } } ${many(90, (n) => `fragment A${n} on User { ${many(20, (k) => `x${k}: nick`)} }`)}`,
  ],
  'fragments of fragments side by side': [
    `{ user(id: "a") { ...A0 } } ${many(40, (n) => `fragment A${n} on User { ${many(40 - n - 1, (k) => `...A${n + k + 1}`)} id }`)}`,
  ],
  '10,000 aliases': [`{ ${many(10_000, (n) => `a${n}:id`)} }`],
  '500 aliases that are allowed': [`{ user(id: "a") { ${many(501, (n) => `a${n}: fans { nodes { id } }`)} } }`],
  'one field 9,000 times': [`{ user(id: "a") { ${many(9000, () => 'id')} } }`],
  'one field 100 times, in 40 places': [
    `{ ${many(40, (n) => `u${n}: user(id: "a") { ${many(100, () => 'id')} x }`)} }`,
  ],
  directives: [`{ __typename ${many(3000, () => '@a')} }`],
  'a thousand unknown fields': [`{ ${many(1000, (n) => `f${n}`)} }`],
  'introspection that multiplies': [`{ __schema { types { ${nest('fields { type { ', 'name', '} }', 5)} } } }`],
  'introspection by 30 aliases': [
    `{ ${many(30, (n) => `s${n}: __schema { types { fields { type { fields { name } } args { name } } } }`)} }`,
  ],
  'a list of 20,000 ids': [`{ users(ids: [${many(20_000, () => '"a"')}]) { id } }`],
  '25,000 ids in a variable': [
    'query ($ids: [ID!]!) { users(ids: $ids) { id } }',
    `{"ids":["a"${',"a"'.repeat(24_000)}]}`,
  ],
  'variables 40,000 lists deep': [BY_ID, `{"id":${nest('[', '', ']', 40_000)}}`],
  'variables 15,000 objects deep': [BY_ID, `{"id":${nest('{"a":', '1', '}', 15_000)}}`],
  'a text of 90 kB': [`{ user(id: "${'x'.repeat(90_000)}") { id } }`],
  'a thousand unknown fragments': [`{ ${many(1000, (n) => `...F${n}`)} }`],
  'a variable of 90 kB': [BY_ID, `{"id":"${'x'.repeat(90_000)}"}`],
};
