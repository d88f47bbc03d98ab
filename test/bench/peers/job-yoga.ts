// Yoga, Pothos and DataLoader for the whole job; with CACHE=on and Yoga's response cache of 30 seconds.
import { createServer } from 'node:http';
import { createInMemoryCache, useResponseCache } from '@graphql-yoga/plugin-response-cache';
import { createYoga } from 'graphql-yoga';
import { createLoaders, type Loaders, readPage } from './source.ts';
import { createSchema } from './yoga-schema.ts';

const schema = createSchema<Loaders>({
  page: (id, list, first, after) => readPage(id, list, first, after),
  profile: (id, load) => load.profile(id),
  counts: (id, load) => load.counts(id),
});
const responseCache = () =>
  useResponseCache({ session: () => null, ttl: 30_000, cache: createInMemoryCache({ max: 100_000 }) });
const plugins = process.env.CACHE === 'on' ? [responseCache()] : [];
const yoga = createYoga({ schema, plugins, context: createLoaders, logging: false });
createServer(yoga).listen(Number(process.env.PORT), '127.0.0.1');
