// The execution alone of a warm list screen, without HTTP and parsing, up to its JSON: the general executor of graphql-js,
// graphql-jit, our compiled execution, which writes JSON itself, and `JSON.stringify` of an object that is there already.
//
//   node test/bench/execution.ts
//
// Short rounds alternate between them, so that whatever else this machine does hits all alike.
import { createSecretKey } from 'node:crypto';
import { buildSchema, execute, type GraphQLSchema, parse } from 'graphql';
import { compileQuery, isCompiledQuery } from 'graphql-jit';
import { compileOperation } from '../../src/execution/compile.ts';
import { UNSET_PROFILE } from '../../src/follow/model.ts';
import { schema as ownSchema } from '../../src/graph/schema.ts';

const ROUNDS = 15;
const ROUND_MS = 40;
const DOCUMENT = parse(`query Fans($id: ID!, $first: Int) {
  user(id: $id) {
    fans(first: $first) {
      edges { cursor followedAt node { id nick avatar } }
      pageInfo { hasNextPage endCursor }
    }
  }
}`);

type Candidate = { name: string; run(): string | Promise<string>; micros: number[] };
type Screen = ReturnType<typeof screenOf>;

for (const size of [20, 100]) {
  const screen = screenOf(size);
  const plain = plainSchema(screen);
  await compare(`${size} edges, plain objects`, [
    ...executors(plain, {}, size),
    { name: 'stringify', run: () => JSON.stringify({ data: screen }), micros: [] },
  ]);
  await compare(`${size} edges, the gateway's resolvers`, executors(ownSchema, contextOf(size), size));
}

async function compare(title: string, candidates: Candidate[]): Promise<void> {
  const [first, ...others] = candidates as [Candidate, ...Candidate[]];
  const expected = await first.run();
  for (const { name, run } of others)
    if ((await run()) !== expected) throw new Error(`${name} answers something else: ${title}`);
  // A round more than is counted, in which everything gets optimized.
  for (let round = 0; round <= ROUNDS; round++) for (const { run, micros } of candidates) micros.push(measure(run));
  const general = lowerQuartile(first.micros.slice(1));
  console.info(title);
  for (const { name, micros } of candidates) {
    const figure = lowerQuartile(micros.slice(1));
    console.info(`  ${name.padEnd(12)} ${figure.toFixed(2).padStart(8)} µs   1/${(general / figure).toFixed(1)}`);
  }
}

/** Microseconds of CPU time per run, over one round. */
function measure(run: () => unknown): number {
  const until = performance.now() + ROUND_MS;
  const before = process.cpuUsage();
  let runs = 0;
  for (; performance.now() < until; runs += 20) for (let i = 0; i < 20; i++) run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / runs;
}

function lowerQuartile(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 4)] as number;
}

function executors(schema: GraphQLSchema, contextValue: unknown, size: number): Candidate[] {
  const variableValues = { id: 'UserID_001', first: size };
  const jit = compileQuery(schema, DOCUMENT);
  const compiled = compileOperation(schema, DOCUMENT, null);
  if (!isCompiledQuery(jit) || !compiled) throw new Error('The screen cannot be compiled.');
  return [
    {
      name: 'graphql-js',
      run: () => JSON.stringify(execute({ schema, document: DOCUMENT, contextValue, variableValues })),
      micros: [],
    },
    { name: 'graphql-jit', run: () => JSON.stringify(jit.query(undefined, contextValue, variableValues)), micros: [] },
    {
      name: 'compiled',
      run: () => `{"data":${(compiled.run(contextValue, variableValues) as readonly string[]).join('')}}`,
      micros: [],
    },
  ];
}

function screenOf(size: number) {
  const edges = Array.from({ length: size }, (_, n) => ({
    cursor: `AQvUK0Pj0wE6m5s0bWZ1b2Z4cXh4eA${n}`,
    followedAt: '2023-11-14T22:13:20Z',
    node: { id: `UserID_${n}`, nick: `Somebody ${n}`, avatar: `https://example.com/avatars/${n}.png` },
  }));
  return { user: { fans: { edges, pageInfo: { hasNextPage: true, endCursor: edges.at(-1)?.cursor ?? null } } } };
}

function plainSchema({ user }: Screen): GraphQLSchema {
  const schema = buildSchema(`
    type Query { user(id: ID!): User }
    type User { id: ID! nick: String avatar: String fans(first: Int = 20): Fans }
    type Fans { edges: [Edge!]! pageInfo: PageInfo! }
    type Edge { cursor: String! followedAt: String! node: User! }
    type PageInfo { hasNextPage: Boolean! endCursor: String }
  `);
  Object.assign(schema.getQueryType()?.getFields().user ?? {}, { resolve: () => user });
  return schema;
}

function contextOf(size: number) {
  const profile = { ...UNSET_PROFILE, whole: true };
  const entries = Array.from({ length: size }, (_, n) => ({
    user: { id: `UserID_${n}`, profile: { ...profile, nick: `Somebody ${n}`, avatar: `https://example.com/${n}.png` } },
    followedAt: 1_700_000_000 + n,
  }));
  const page = { entries, next: 'more' };
  return {
    settings: {
      maxPageSize: 100,
      chunkSize: 100,
      userIdPattern: /^[\w-]+$/,
      cursorKey: createSecretKey(Buffer.alloc(32, 7)),
      maxTargets: 100,
    },
    viewer: null,
    maySee: () => true,
    isKnownMissing: () => false,
    readPage: () => page,
  };
}
