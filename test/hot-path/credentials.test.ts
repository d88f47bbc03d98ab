// Who asks, and by which id of a document: the short way believes no more and no less, and shows browsers the same page.
import { test } from 'vitest';
import { type Ask, ask, everyNth } from './asks.ts';
import { compare, differencesLeft, expectNone } from './compare.ts';
import { readCorpora } from './corpora.ts';
import { idAsks, openLogin, routerAsks } from './credentials-corpus.ts';
import { openSiblings } from './siblings.ts';

const SECRET = 'a-secret-of-the-router';

test.each<[title: string, env: Record<string, string>]>([
  ['trusted documents alone', { TRUSTED_DOCUMENTS: 'strict' }],
  ['documents that are looked at', { TRUSTED_DOCUMENTS: 'log' }],
  ['documents that answer to their hash', { AUTOMATIC_PERSISTED_QUERIES: 'on' }],
  ['both', { TRUSTED_DOCUMENTS: 'log', AUTOMATIC_PERSISTED_QUERIES: 'on' }],
  ['neither', {}],
  ['no answers kept', { TRUSTED_DOCUMENTS: 'log', ANSWER_CACHE_MB: '0' }],
  ['lists for their owner alone', { TRUSTED_DOCUMENTS: 'strict', LIST_VISIBILITY: 'self' }],
])('all ways answer the same to ids of documents with %s', async (_title, env) => {
  const siblings = await openSiblings({ env });
  const corpora = await readCorpora(siblings);
  const others = [...everyNth(corpora.operations, 29), ...everyNth(corpora.documents, 19)];
  expectNone([...(await compare(siblings, [...idAsks(), ...others])), ...(await differencesLeft(siblings))]);
});

test('all ways believe the same credentials', async () => {
  const login = await openLogin();
  const env = { AUTH: 'usersig,jwt', LIST_VISIBILITY: 'fans=self,follows=authenticated', ...login.env };
  const siblings = await openSiblings({ env });
  const asks = await login.asks(siblings);
  expectNone([...(await compare(siblings, asks)), ...(await differencesLeft(siblings))]);
});

test('all ways believe the same router', async () => {
  const siblings = await openSiblings({ env: { AUTH: 'header', VIEWER_HEADER_SECRET: SECRET } });
  expectNone([...(await compare(siblings, routerAsks(SECRET))), ...(await differencesLeft(siblings))]);
});

test('all ways show browsers the same page', async () => {
  const siblings = await openSiblings({ env: { GRAPHIQL: 'on' } });
  const page = (method: string, target: string, encoding: string): Ask =>
    ask(`${method} ${target}`, method, target, [
      ['accept', 'text/html'],
      ['accept-encoding', encoding],
    ]);
  const asks = [page('GET', '/graphql', 'gzip'), page('GET', '/', 'gzip'), page('HEAD', '/graphql', 'gzip')];
  expectNone([...(await compare(siblings, asks, { times: 1 })), ...(await differencesLeft(siblings))]);
});
