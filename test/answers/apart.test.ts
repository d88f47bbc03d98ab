// What is asked tells kept answers apart, and what is refused is refused whatever is kept.
import { describe, expect, test } from 'vitest';
import { requestLines } from '../http/requests.ts';
import { ask, askUntilKept, FANS, PEOPLE, userIn } from './keeping.ts';
import { FANS_OF_STAR, openStar, STAR } from './star.ts';

describe('what is asked tells answers apart:', () => {
  test('variables', async () => {
    const house = await openStar();
    const { world } = house.sandbox;
    world.addFans('other', 1);
    const totals = async (variables: object) => {
      const asked = await askUntilKept(house, { query: FANS, variables });
      const { fans } = userIn<{ fans: { totalCount: number; edges: unknown[] } }>(asked);
      return [fans.totalCount, fans.edges.length];
    };
    for (let times = 0; times < 2; times++) {
      expect(await totals({ userId: 'star' })).toEqual([3, 3]);
      expect(await totals({ userId: 'star', first: 1 })).toEqual([3, 1]);
      expect(await totals({ userId: 'star', first: 0 })).toEqual([3, 0]);
      expect(await totals({ userId: 'star', first: null })).toEqual([3, 3]);
      expect(await totals({ userId: 'other' })).toEqual([1, 1]);
    }
  });

  test('operations of one document', async () => {
    const query = 'query A($id: ID!) { user(id: $id) { id } } query B($id: ID!) { user(id: $id) { fansCount } }';
    const house = await openStar({ documents: { both: query } });
    const variables = { id: 'star' };
    for (let times = 0; times < 2; times++) {
      const a = await askUntilKept(house, { query, operationName: 'A', variables });
      const b = await askUntilKept(house, { documentId: 'both', operationName: 'B', variables });
      expect([a.answer, b.answer]).toEqual([{ data: { user: { id: 'star' } } }, { data: { user: { fansCount: 3 } } }]);
      const { answer } = await askUntilKept(house, { query, variables });
      expect(answer.errors).toHaveLength(1);
    }
  });

  test('names and places that differ although their letters, put together, do not', async () => {
    const query = 'query A($a: ID!, $b: ID!) { a: user(id: $a) { id } b: user(id: $b) { id } }';
    const house = await openStar({ documents: { a: query } });
    const ids = async (a: string, b: string) =>
      (await askUntilKept(house, { query, variables: { a, b } })).answer.data as object;
    expect(await ids('x', 'yz')).toEqual({ a: { id: 'x' }, b: { id: 'yz' } });
    expect(await ids('xy', 'z')).toEqual({ a: { id: 'xy' }, b: { id: 'z' } });
  });

  test('a number and its digits, where that makes a difference', async () => {
    const house = await openStar();
    const codes = async (first: unknown) =>
      (await askUntilKept(house, { query: FANS, variables: { ...STAR, first } })).answer.errors?.map(
        ({ extensions }) => extensions.code,
      );
    expect([await codes(2), await codes('2'), await codes(2)]).toEqual([undefined, ['BAD_USER_INPUT'], undefined]);
    expect([await codes([2]), await codes(true), await codes(2.5)]).toEqual(Array(3).fill(['BAD_USER_INPUT']));
  });

  // JSON writes a number that is too large to be one as null.
  test('a number beyond all numbers, and none', async () => {
    const house = await openStar();
    await askUntilKept(house, { query: FANS, variables: { ...STAR, first: null } });
    const { answer } = await ask(
      house,
      JSON.stringify({ query: FANS, variables: { ...STAR, first: 0 } }).replace(':0}', ':1e999}'),
    );
    expect(answer.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });

  test('variables under names that every object has', async () => {
    const query =
      'query A($constructor: ID = "star", $toString: ID!) { a: user(id: $constructor) { id } b: user(id: $toString) { id } }';
    const house = await openStar({ documents: { a: query } });
    const asked = async (variables: string) =>
      (await askUntilKept(house, `{"query":${JSON.stringify(query)},"variables":${variables}}`)).answer;
    for (let times = 0; times < 2; times++) {
      expect(await asked('{"toString":"x"}')).toEqual({ data: { a: { id: 'star' }, b: { id: 'x' } } });
      expect(await asked('{"toString":"x","__proto__":{"constructor":"y"}}')).toEqual({
        data: { a: { id: 'star' }, b: { id: 'x' } },
      });
      expect(await asked('{"toString":"x","constructor":"y"}')).toEqual({ data: { a: { id: 'y' }, b: { id: 'x' } } });
      expect((await asked('{}')).errors).toHaveLength(1);
    }
  });

  test('whether the cost is asked for', async () => {
    const house = await openStar();
    await askUntilKept(house, FANS_OF_STAR);
    const { answer } = await ask(house, { ...FANS_OF_STAR, extensions: { cost: true } });
    expect(answer.extensions).toEqual({ cost: { predictedCalls: expect.any(Number), actualCalls: 0 } });
    expect((await ask(house, FANS_OF_STAR)).answer.extensions).toBeUndefined();
  });
});

describe('what is refused is refused although an answer is kept:', () => {
  test('an operation that costs too much', async () => {
    const house = await openStar({ env: { MAX_VALUES: '100' } });
    await askUntilKept(house, { query: FANS, variables: { ...STAR, first: 1 } });
    const { answer } = await askUntilKept(house, { query: FANS, variables: { ...STAR, first: 100 } });
    expect(answer.errors?.[0]?.extensions.code).toBe('OPERATION_TOO_EXPENSIVE');
  });

  test('an answer that is too large, each time', async () => {
    const house = await openStar({ env: { MAX_RESPONSE_BYTES: '1024' } });
    house.sandbox.world.addFans('crowded', 20);
    for (let times = 0; times < 5; times++) {
      const { status, answer } = await ask(house, { query: FANS, variables: { userId: 'crowded' } });
      expect([status, answer.errors?.[0]?.extensions.code]).toEqual([400, 'OPERATION_TOO_EXPENSIVE']);
    }
    expect((await requestLines(house, 5)).at(-1)).toMatchObject({ errorCodes: ['OPERATION_TOO_EXPENSIVE'] });
  });

  test('who asks too often', async () => {
    const house = await openStar({ env: { RATE_LIMIT_PER_MINUTE: '4' } });
    await askUntilKept(house, FANS_OF_STAR);
    const { status, answer } = await ask(house, FANS_OF_STAR);
    expect([status, answer.errors?.[0]?.extensions.code]).toEqual([429, 'THROTTLED']);
  });
});

test('an answer with an error in one of its places is never kept, and says so each time', async () => {
  const house = await openStar();
  for (let times = 0; times < 5; times++) {
    const { answer } = await ask(house, { query: PEOPLE, variables: { userIds: ['star', 'a b'] } });
    expect(answer.data).toMatchObject({ users: [{ id: 'star' }, null] });
    expect(answer.errors?.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['users', 1], 'BAD_USER_INPUT'],
    ]);
  }
});

test('a router’s references are answered each by itself', async () => {
  const query = 'query E($them: [_Any!]!) { _entities(representations: $them) { ... on User { id fansCount } } }';
  const house = await openStar({ documents: { e: query } });
  const entities = async (...ids: unknown[]) =>
    (await askUntilKept(house, { query, variables: { them: ids.map((id) => ({ __typename: 'User', id })) } })).answer;
  for (let times = 0; times < 2; times++) {
    expect(await entities('star')).toEqual({ data: { _entities: [{ id: 'star', fansCount: 3 }] } });
    expect(await entities('anna')).toEqual({ data: { _entities: [{ id: 'anna', fansCount: 0 }] } });
    expect((await entities('star', 'ghost')).errors?.[0]?.extensions.code).toBe('USER_NOT_FOUND');
    expect((await entities(null)).errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  }
});
