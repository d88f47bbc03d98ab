// Mercurius with JIT, DataLoader and its cache of 30 seconds for the whole job.
import fastify from 'fastify';
import mercurius from 'mercurius';
import cache from 'mercurius-cache';
import type { Person } from './pages.ts';
import { typeDefs } from './schema.ts';
import { createLoaders, type Loaders, readPage } from './source.ts';
import type { ListName } from './yoga-schema.ts';

type PageArguments = { first: number; after?: string | null };

const page =
  (list: ListName) =>
  (user: Person, { first, after }: PageArguments) =>
    readPage(user.id, list, first, after ?? '');
const count = (list: ListName) => async (user: Person, _args: object, load: Loaders) =>
  (await load.counts(user.id))[list];
const resolvers = {
  Query: { user: (_root: unknown, { id }: { id: string }) => ({ id }) },
  User: {
    nick: (user: Person, _args: object, load: Loaders) => user.nick ?? load.profile(user.id).then(({ nick }) => nick),
    avatar: (user: Person, _args: object, load: Loaders) =>
      user.avatar === undefined ? load.profile(user.id).then(({ avatar }) => avatar) : user.avatar,
    fansCount: count('fans'),
    followsCount: count('follows'),
    mutualsCount: count('mutuals'),
    fans: page('fans'),
    follows: page('follows'),
    mutuals: page('mutuals'),
  },
};
const CACHED = ['fans', 'follows', 'mutuals', 'fansCount', 'followsCount', 'mutualsCount'];

const app = fastify();
// Mercurius types resolvers by a schema that it does not know here.
await app.register(mercurius, { schema: typeDefs, resolvers: resolvers as never, jit: 1, context: createLoaders });
// Its types are of an older way of exporting.
await app.register(cache as never, {
  ttl: 30,
  storage: { type: 'memory', options: { size: 100_000 } },
  policy: { User: Object.fromEntries(CACHED.map((field) => [field, true])) },
});
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
