// Apollo Server, standalone, with its default settings.
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { resolvers, typeDefs } from './schema.ts';

const server = new ApolloServer({ typeDefs, resolvers });
const { url } = await startStandaloneServer(server, { listen: { host: '127.0.0.1', port: 0 } });
// It serves every path alike.
process.stdout.write(`${new URL('/graphql', url).href}\n`);
