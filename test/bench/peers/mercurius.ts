// Mercurius on Fastify with its JIT from the first time on; with FEATURES=on it also has what the gateway has on:
// a login check, one log line a request, metrics, CORS, a rate limit and limits on documents.
import { createHmac, timingSafeEqual } from 'node:crypto';
import cors from '@fastify/cors';
import rateLimit from '@fastify/rate-limit';
import fastify, { type FastifyReply, type FastifyRequest, LogController } from 'fastify';
import mercurius from 'mercurius';
import { Histogram } from 'prom-client';
import { resolvers } from './pages.ts';
import { typeDefs } from './schema.ts';

const hasFeatures = process.env.FEATURES === 'on';
const KEY = 'a key that signs logins';
const MAX_DEPTH = 15;

const app = fastify(
  hasFeatures
    ? { logger: true, logController: new LogController({ disableRequestLogging: true }), bodyLimit: 102_400 }
    : {},
);
if (hasFeatures) {
  await app.register(cors, { origin: ['https://app.example'] });
  await app.register(rateLimit, { max: 10_000_000, timeWindow: '1 minute' });
  const durations = new Histogram({ name: 'http_seconds', help: 'Duration.', labelNames: ['status'] });
  app.addHook('onResponse', async (request, reply) => {
    durations.observe({ status: reply.statusCode }, reply.elapsedTime / 1000);
    request.log.info({ status: reply.statusCode, ms: reply.elapsedTime, ip: request.ip, id: request.id }, 'request');
  });
}

/** The viewer of a token `<id>.<signature>`; null without one. */
function context(request: FastifyRequest, reply: FastifyReply): { viewer: string | null } {
  const [, id, signature] = /^Bearer (\w+)\.(\w+)$/.exec(request.headers.authorization ?? '') ?? [];
  reply.header('x-request-id', request.id);
  if (!hasFeatures || !id || !signature) return { viewer: null };
  const expected = createHmac('sha256', KEY).update(id).digest('hex');
  return { viewer: timingSafeEqual(Buffer.from(expected), Buffer.from(signature)) ? id : null };
}

// Mercurius types resolvers by a schema that it does not know here.
const options = { schema: typeDefs, resolvers: resolvers as never, jit: 1, context };
await app.register(mercurius, hasFeatures ? { ...options, queryDepth: MAX_DEPTH } : options);
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
