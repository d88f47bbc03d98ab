// Operations that cost too much before they run are refused, whatever they are made of.
import { describe, expect, test } from 'vitest';
import type { Config } from '../../src/config.ts';
import { codesOf, openEmptyGateway, post, readRefusal } from './requests.ts';

const DEEP = 20_000;
const nest = (open: string, inside: string, close: string, times = DEEP) =>
  `${open.repeat(times)}${inside}${close.repeat(times)}`;

/** A selection of `levels` levels. */
const levels = (count: number) => {
  const pairs = Math.floor((count - 2) / 2);
  return `{ user(id: "a") { ${nest('fans { nodes { ', count % 2 === 0 ? 'id' : 'fans { totalCount }', ' } } ', pairs)} } }`;
};

async function refuse(query: string, config: Partial<Config> = {}, operationName?: string) {
  const gateway = await openEmptyGateway({}, { maxBodyBytes: 4_000_000, ...config });
  return readRefusal(gateway, await post(gateway, JSON.stringify({ query, operationName })));
}

describe('an operation that is nested too deep is OPERATION_TOO_EXPENSIVE and costs nothing', () => {
  const spread = '{ user(id: "a") { ...A } }';
  test.each<[string, string, string?]>([
    ['directly', levels(7)],
    ['in a fragment', `${spread} fragment A on User { fans { nodes { fans { nodes { fans { totalCount } } } } } }`],
    ['in an operation beside the one to run', `query A { __typename } query B ${levels(7)}`, 'A'],
    [
      'through a fragment used before at a lower level',
      `{ a: user(id: "a") { ...A } b: user(id: "a") { fans { nodes { fans { nodes { ...A } } } } } } fragment A on User { fans { totalCount } }`,
    ],
  ])('%s', async (_title, query, operationName = undefined) => {
    const answer = await refuse(query, { maxDepth: 6 }, operationName);
    expect(codesOf(answer)).toEqual(['OPERATION_TOO_EXPENSIVE']);
    expect(answer.errors?.[0]?.message).toContain('6 levels');
  });
});

test('an operation that is nested just as deep as it may be is answered', async () => {
  const gateway = await openEmptyGateway({}, { maxDepth: 6 });
  gateway.sandbox.world.addFans('a', 1);
  expect(await gateway.data(levels(6))).toMatchObject({ user: { fans: { nodes: [{ fans: { nodes: [] } }] } } });
});

describe('a document of 20,000 levels is OPERATION_TOO_EXPENSIVE, not an overflow of ours', () => {
  test.each([
    ['selections', nest('{ a ', '', '}')],
    ['selections that never close', '{ a '.repeat(DEEP)],
    ['inline fragments', `{ ${nest('... { ', '__typename', '}')} }`],
    ['lists', `{ user(id: ${nest('[', '', ']')}) { id } }`],
    ['objects', `{ user(id: ${nest('{ a: ', '1', '}')}) { id } }`],
    ['lists in a default value', `query ($id: ID = ${nest('[', '', ']')}) { user(id: $id) { id } }`],
    ['list types', `query ($id: ${nest('[', 'ID', ']')}) { user(id: $id) { id } }`],
    ['directive arguments', `{ __typename @include(if: ${nest('[', 'true', ']')}) }`],
  ])('%s', async (_title, query) => {
    for (const maxTokens of [10_000, 100_000])
      expect(codesOf(await refuse(query, { maxTokens }))).toEqual(['OPERATION_TOO_EXPENSIVE']);
  });
});

test('a document of exactly MAX_TOKENS tokens is answered, one of more is OPERATION_TOO_EXPENSIVE', async () => {
  const gateway = await openEmptyGateway({ MAX_TOKENS: '100' });
  expect(await gateway.data(`{ ${'__typename '.repeat(98)}}`)).toEqual({ __typename: 'Query' });
  for (const query of [`{ ${'__typename '.repeat(99)}}`, `{ users(ids: [${'"a" '.repeat(95)}]) { id } }`]) {
    const answer = await refuse(query, { maxTokens: 100 });
    expect(codesOf(answer)).toEqual(['OPERATION_TOO_EXPENSIVE']);
    expect(answer.errors?.[0]?.message).toContain('100 tokens');
  }
});
