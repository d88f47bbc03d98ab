// The GraphQL schema: every type file adds its part to the builder when imported.
import { builder } from './builder.ts';
import './scalars.ts';
import './user.ts';
import './follow-connection.ts';
import './relations.ts';
import './viewer.ts';

builder.queryType({ description: 'Where every query begins.' });

export const schema = builder.toSchema();
