// Ways to make an operation look cheaper than it is.
import { expect, test } from 'vitest';
import { createHastyClock } from '../support/clock.ts';
import { type Answer, openGateway } from '../support/gateway.ts';

async function openCrowd(env: Record<string, string> = {}) {
  const clock = createHastyClock();
  const gateway = await openGateway({ clock, env: { AUTH: 'development', ...env }, sandbox: { clock, people: 300 } });
  const calls = () => Object.values(gateway.sandbox.calls.summary()).reduce((sum, { received }) => sum + received, 0);
  const ask = async (query: string, variables = {}) => {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-viewer-id': 'user_00001' },
      body: JSON.stringify({ query, variables }),
    });
    const { errors } = (await response.json()) as Answer;
    return { status: response.status, codes: errors?.map((error) => error.extensions.code) };
  };
  return { ask, calls };
}
const REFUSED = { status: 400, codes: ['OPERATION_TOO_EXPENSIVE'] };
const times = (count: number, write: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => write(i)).join(' ');

test('a fragment under many aliases counts once for each', async () => {
  const { ask, calls } = await openCrowd();
  const query = (count: number) => `{ ${times(count, (i) => `n${i}: user(id: "user_00001") { ...G }`)} }
    fragment G on User { fans(first: 100) { ${times(count, (i) => `n${i}: nodes { ...F }`)} } }
    fragment F on User { id nick avatar gender }`;
  for (const count of [30, 245]) expect(await ask(query(count))).toMatchObject(REFUSED);
  expect(calls()).toBe(0);
});

test.each(['constructor', 'toString', 'hasOwnProperty', 'page'])(
  'a list whose size is the variable $%s, which nobody set, costs what a list without one does',
  async (name) => {
    const { ask, calls } = await openCrowd();
    const list = (list: string, below: string) => `${list}(first: $${name}) { nodes { ${below} } }`;
    const query = `query ($${name}: Int) { user(id: "user_00001") { ${list('fans', list('fans', `id ${list('follows', 'nick')}`))} } }`;
    expect(await ask(query)).toMatchObject(REFUSED);
    expect(calls()).toBe(0);
  },
);

test('ids that are numbers are told apart by every digit', async () => {
  const { ask, calls } = await openCrowd();
  const query = `{ ${times(300, (i) => `a${i}: user(id: 1000000000000000000${100 + i}) { fans { nodes { id } } }`)} }`;
  expect(await ask(query)).toMatchObject(REFUSED);
  expect(calls()).toBe(0);
});

test('a mutation whose users are variables costs what one with the users in it does', async () => {
  const { ask, calls } = await openCrowd();
  const names = Array.from({ length: 100 }, (_, i) => `a${i}`);
  const query = `mutation (${names.map((name) => `$${name}: ID!`).join(', ')}) {
    ${times(40, (i) => `m${i}: followUsers(input: { userIds: [${names.map((name) => `$${name}`).join(', ')}] }) { results { __typename } }`)}
  }`;
  const variables = Object.fromEntries(names.map((name, i) => [name, `user_00${100 + i}`]));
  expect(await ask(query, variables)).toMatchObject(REFUSED);
  expect(calls()).toBe(0);
});
