// Mercurius with JIT, DataLoader and its cache of 30 seconds for the whole job.
import fastify from 'fastify';
import mercurius from 'mercurius';
import cache from 'mercurius-cache';
import type { Person } from './pages.ts';
import { countField, type ListName, type PageArguments, profileField, typeDefs } from './schema.ts';
import { createLoaders, readPage } from './source.ts';

const page =
  (list: ListName) =>
  (user: Person, { first, after }: PageArguments) =>
    readPage(user.id, list, first, after ?? '');
const cached = {
  fansCount: countField('fans'),
  followsCount: countField('follows'),
  mutualsCount: countField('mutuals'),
  fans: page('fans'),
  follows: page('follows'),
  mutuals: page('mutuals'),
};
const resolvers = {
  Query: { user: (_root: unknown, { id }: { id: string }) => ({ id }) },
  User: { nick: profileField('nick'), avatar: profileField('avatar'), ...cached },
};

const app = fastify();
// Mercurius types resolvers by a schema that it does not know here.
await app.register(mercurius, { schema: typeDefs, resolvers: resolvers as never, jit: 1, context: createLoaders });
// Its types are of an older way of exporting.
await app.register(cache as never, {
  ttl: 30,
  storage: { type: 'memory', options: { size: 100_000 } },
  policy: { User: Object.fromEntries(Object.keys(cached).map((field) => [field, true])) },
});
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
