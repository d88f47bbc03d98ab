// Apollo Server, standalone, with its default settings.
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { resolvers } from './pages.ts';
import { typeDefs } from './schema.ts';

const server = new ApolloServer({ typeDefs, resolvers });
await startStandaloneServer(server, { listen: { host: '127.0.0.1', port: Number(process.env.PORT) } });
