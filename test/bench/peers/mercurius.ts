// Mercurius on Fastify, with its JIT from the first time on.
import fastify from 'fastify';
import mercurius from 'mercurius';
import { announce } from './pages.ts';
import { resolvers, typeDefs } from './schema.ts';

const app = fastify();
await app.register(mercurius, { schema: typeDefs, resolvers, jit: 1 });
await app.listen({ host: '127.0.0.1', port: 0 });
announce(app.server);
