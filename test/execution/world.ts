// A schema made to be hard on an executor, and worlds of things to be found through it. A world is a function of its
// seed, so that two executors meet the same: values, promises, thenables and functions, and where it is broken also what
// must not be.
import {
  buildSchema,
  GraphQLError,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLScalarType,
  type GraphQLUnionType,
  print,
} from 'graphql';

export type World = {
  readonly seed: number;
  /** How many of a thousand values are broken. */
  readonly broken: number;
};

type Thing = { readonly world: World; readonly seed: number };
type Make = (thing: Thing, seed: number) => unknown;

export const schema = buildSchema(`
  scalar Stamp
  enum Color { RED GREEN BLUE }
  input Range { from: Int! = 1, to: Int, tags: [String!] = ["x"] }
  interface Named { id: ID! text: String }
  union Any = Thing | Other
  type Other implements Named { id: ID! text: String int: Int! next: Any }
  type Thing implements Named {
    id: ID! text: String int: Int! float: Float flag: Boolean color: Color! stamp: Stamp
    echo(n: Int!, text: String = "none", range: Range, list: [Int!] = [1, 2], id: ID): String!
    told: String!
    one: Thing
    must: Thing!
    few: [Thing]
    all: [Thing!]!
    grid: [[Int!]]!
    words: [String!]
    named: Named
    any: [Any!]
  }
  type Query {
    id: ID! text: String int: Int! float: Float flag: Boolean color: Color! stamp: Stamp
    one: Thing
    must: Thing!
    few: [Thing]
    all: [Thing!]!
    named: Named
    any: [Any!]
  }
`);

/** A number from 0 to 999 that depends on all of these. */
function roll(...of: readonly (string | number)[]): number {
  let state = 2166136261;
  const mix = (part: number) => {
    state = Math.imul(state ^ part, 16777619);
    state ^= state >>> 15;
  };
  for (const part of of) {
    if (typeof part === 'number') mix(part);
    else for (let at = 0; at < part.length; at++) mix(part.charCodeAt(at));
  }
  return (Math.imul(state, 2246822519) >>> 8) % 1000;
}

const pick = <T>(values: readonly T[], seed: number): T => values[seed % values.length] as T;
const child: Make = ({ world }, seed) => thing(world, seed);
const several =
  (make: Make): Make =>
  (of, seed) => {
    const items = Array.from({ length: seed % 4 }, (_, n) =>
      comeAsItem(of.world, roll(seed, n), (inner) => make(of, inner)),
    );
    return pick([items, items, new Set(items), items.values()], roll(seed, 'iterable'));
  };

const orNull =
  (make: Make): Make =>
  (of, seed) =>
    roll(seed, 'null') < 200 ? pick([null, undefined], seed) : make(of, seed);

const VALUES: Record<string, Make> = {
  id: (_, seed) => pick([`id ${seed}`, seed, { toJSON: () => `json ${seed}` }], seed),
  text: orNull((_, seed) => pick(['', `text ${seed}`, seed / 8, true, new String('boxed')], seed)),
  int: (_, seed) => pick([0, -0, -seed, 2 ** 31 - 1, '12', true], seed),
  float: orNull((_, seed) => pick([seed / 3, seed, '1.5', false], seed)),
  flag: orNull((_, seed) => pick([true, false, 0, 2], seed)),
  color: (_, seed) => pick(['RED', 'GREEN', 'BLUE'], seed),
  stamp: orNull((_, seed) => seed + 1),
  one: orNull(child),
  must: child,
  few: orNull(several(orNull(child))),
  all: several(child),
  grid: several(orNull(several((_, seed) => seed))),
  words: orNull(several((_, seed) => `word ${seed}`)),
  named: orNull(child),
  any: orNull(several(child)),
  next: orNull(child),
};

// biome-ignore-start lint/suspicious/noThenProperty: a resolver may answer with any thenable, also with a strange one.
const BROKEN: readonly (() => unknown)[] = [
  () => null,
  () => new GraphQLError('given'),
  () => Number.NaN,
  () => Symbol('strange'),
  () => ({ not: 'a value' }),
  () => {
    throw new Error('thrown');
  },
  () => Promise.reject(new Error('rejected')),
  () => ({ then: (_: unknown, refuse: (error: Error) => void) => refuse(new Error('refused')) }),
  () => ({
    get then() {
      throw new Error('no look');
    },
  }),
];

/** A value in the way in which it comes: as it is, later, or broken. */
function come(world: World, seed: number, make: (seed: number) => unknown): unknown {
  if (roll(world.seed, seed, 'broken') < world.broken) return pick(BROKEN, roll(seed, 'how'))();
  const way = roll(world.seed, seed, 'way');
  if (way < 700) return make(seed);
  if (way < 850) return Promise.resolve(make(seed));
  // Made when it comes: what it holds must not reject before anybody can have seen it.
  if (way < 950) return new Promise((resolve) => setImmediate(() => resolve(make(seed))));
  // Answers in the same tick, which no promise does.
  return { then: (settle: (value: unknown) => unknown) => settle(make(seed)) };
}

// biome-ignore-end lint/suspicious/noThenProperty: see above

/** A list's items are there at once, so that none can throw. */
function comeAsItem(world: World, seed: number, make: (seed: number) => unknown): unknown {
  try {
    return come(world, seed, make);
  } catch (error) {
    return error;
  }
}

/** Reads each field as a property or as a method. Its value exists only then: what rejects must not be there for nobody. */
const PROTOTYPE: Thing = Object.create(null, {
  told: { value: (_args: object, _context: World, info: GraphQLResolveInfo) => tell(info) },
});
for (const [field, make] of Object.entries(VALUES)) {
  const asMethod = {
    value(this: Thing) {
      return read(this, field, make);
    },
  };
  Object.defineProperty(PROTOTYPE, field, roll(field, 'method') < 300 ? asMethod : { get: asMethod.value });
}

function thing(world: World, seed: number): Thing {
  return Object.freeze(Object.assign(Object.create(PROTOTYPE), { world, seed }));
}

function read(of: Thing, field: string, make: Make): unknown {
  return come(of.world, roll(of.world.seed, of.seed, field), (seed) => make(of, seed));
}

/** All that an executor says of a field. */
function tell({ fieldNodes, parentType, returnType, fragments, operation, ...info }: GraphQLResolveInfo): string {
  const { fieldName, variableValues, rootValue } = info;
  const nodes = fieldNodes.map(print);
  const types = `${parentType} ${returnType} ${info.schema === schema}`;
  return JSON.stringify({ fieldName, nodes, types, fragments, operation: print(operation), variableValues, rootValue });
}

// Half of the fields have resolvers, the others are read by default.
for (const name of ['Query', 'Thing', 'Other']) {
  for (const [field, definition] of Object.entries((schema.getType(name) as GraphQLObjectType).getFields())) {
    const make = VALUES[field];
    if (!make || (name !== 'Query' && roll(name, field) < 500)) continue;
    definition.resolve = (source: Thing | undefined, _args, world: World) =>
      read(source ?? { world, seed: world.seed }, field, make);
  }
}
const thingFields = (schema.getType('Thing') as GraphQLObjectType).getFields();
Object.assign(thingFields.echo ?? {}, { resolve: (_thing: Thing, args: object) => JSON.stringify(args) });

for (const name of ['Named', 'Any'])
  (schema.getType(name) as GraphQLInterfaceType | GraphQLUnionType).resolveType = ({ seed }: Thing) => {
    const kind = pick(['Thing', 'Other'], roll(seed, 'kind'));
    return roll(seed, 'later') < 300 ? Promise.resolve(kind) : kind;
  };

(schema.getType('Stamp') as GraphQLScalarType).serialize = (value) => {
  if (value === 0) return undefined;
  if (typeof value !== 'number') throw new Error('no stamp');
  return { at: value };
};
