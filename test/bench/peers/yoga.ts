// GraphQL Yoga with a schema by Pothos, both with their default settings, over pages that lie ready.
import { createServer } from 'node:http';
import { createYoga } from 'graphql-yoga';
import { pageOf } from './pages.ts';
import { createSchema } from './yoga-schema.ts';

const schema = createSchema((id, _list, first) => pageOf(id, first));
createServer(createYoga({ schema })).listen(Number(process.env.PORT), '127.0.0.1');
