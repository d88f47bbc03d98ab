// Whatever is set, the short way keeps it: the same requests under settings that change answers.
import { test } from 'vitest';
import { everyNth } from './asks.ts';
import { compare, differencesLeft, expectNone } from './compare.ts';
import { type Corpora, readCorpora } from './corpora.ts';
import { openSiblings } from './siblings.ts';

/** How much of each corpus: every n-th request. */
type Choice = Partial<Record<keyof Corpora, number>>;

const SOME: Choice = { operations: 17, gets: 9, random: 19, changes: 15, documents: 13, bodies: 17, heads: 23 };
const PUBLIC = { CORS_ORIGINS: 'https://app.example', TRUST_PROXY: '1', COMPRESSION: 'on' };
const SMALL = { MAX_BODY_BYTES: '1024', MAX_DEPTH: '5', MAX_TOKENS: '100', MAX_ALIASES: '1', MAX_DIRECTIVES: '1' };
const ASKS_ALWAYS = { LIST_FRESH_SECONDS: '0', COUNTS_FRESH_SECONDS: '0', PROFILE_FRESH_SECONDS: '0' };

test.each<[title: string, env: Record<string, string>, choice?: Choice]>([
  ['compressed answers', { COMPRESSION: 'on' }, { ...SOME, heads: 3 }],
  ['pages of one origin', { CORS_ORIGINS: 'https://app.example' }, { heads: 2 }],
  ['pages of all origins', { CORS_ORIGINS: '*' }, { heads: 5 }],
  ['production', { NODE_ENV: 'production', AUTH: '', ...PUBLIC }, { ...SOME, heads: 5, documents: 3 }],
  ['answers of 2,000 bytes', { MAX_RESPONSE_BYTES: '2000' }],
  ['small operations', { ...SMALL, MAX_UPSTREAM_CALLS: '3', MAX_VALUES: '200' }],
  ['lists for their owner alone', { LIST_VISIBILITY: 'self' }, { ...SOME, operations: 3, random: 5 }],
  ['lists for viewers alone', { LIST_VISIBILITY: 'authenticated' }],
  ['30 requests a minute', { RATE_LIMIT_PER_MINUTE: '30', TRUST_PROXY: '1' }],
  ['another name for users', { FEDERATION_USER_TYPE: 'Account', FEDERATION_USER_KEY: 'accountId' }],
  ['no introspection', { INTROSPECTION: 'off' }],
  ['no word of staleness', { FRESHNESS_EXTENSION: 'off' }],
  ['nothing fresh', ASKS_ALWAYS],
  ['profiles in part', { EMBEDDED_PROFILE: 'partial', PROFILE_CUSTOM_FIELDS: 'Test,Missing' }],
  ['changes that show at once', { WRITE_LAG_SECONDS: '0' }, { changes: 2, operations: 9 }],
  ['little memory', { CACHE_MEMORY_MB: '1' }],
])('all ways answer the same with %s', async (_title, env, choice = SOME) => {
  const siblings = await openSiblings({ env });
  const corpora = await readCorpora(siblings);
  const asks = Object.entries(choice).flatMap(([name, n]) => everyNth(corpora[name as keyof Corpora], n));
  expectNone([...(await compare(siblings, asks)), ...(await differencesLeft(siblings))]);
});
