// Yoga, Pothos and DataLoader for the whole job; with CACHE=on also shared profiles and Yoga's response cache of 30 seconds.
import { createServer } from 'node:http';
import { createInMemoryCache, useResponseCache } from '@graphql-yoga/plugin-response-cache';
import { createYoga } from 'graphql-yoga';
import { createLoaders, readPage } from './source.ts';
import { createSchema } from './yoga-schema.ts';

const responseCache = () =>
  useResponseCache({ session: () => null, ttl: 30_000, cache: createInMemoryCache({ max: 100_000 }) });
const plugins = process.env.CACHE === 'on' ? [responseCache()] : [];
const yoga = createYoga({ schema: createSchema(readPage), plugins, context: createLoaders, logging: false });
createServer(yoga).listen(Number(process.env.PORT), '127.0.0.1');
