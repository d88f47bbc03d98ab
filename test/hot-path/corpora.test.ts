// The short way answers all requests as the long way does, byte for byte, and leaves the same behind.
import { expect, test } from 'vitest';
import { compare, differencesLeft, expectNone } from './compare.ts';
import { type Corpora, readCorpora } from './corpora.ts';
import { attackAsks } from './documents-corpus.ts';
import { openSiblings } from './siblings.ts';

test.each<keyof Corpora>([
  'operations',
  'gets',
  'random',
  'deep',
  'changes',
  'entities',
  'documents',
  'bodies',
  'heads',
])('all ways answer the same to %s', async (name) => {
  const siblings = await openSiblings();
  const { [name]: asks } = await readCorpora(siblings);
  const differences = await compare(siblings, asks);
  expectNone([...differences, ...(await differencesLeft(siblings))]);
});

test('all ways refuse the same attacks', async () => {
  const siblings = await openSiblings();
  expectNone([...(await compare(siblings, attackAsks(), { times: 2 })), ...(await differencesLeft(siblings))]);
  expect(siblings.all.map(({ house }) => house.sandbox.calls.count())).toEqual([0, 0, 0]);
});
