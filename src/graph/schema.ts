// The GraphQL schema: every type file adds its part to the builder when imported.
import { getDocumentNodeFromSchema } from '@graphql-tools/utils';
import { type GraphQLSchema, print, specifiedDirectives, visit } from 'graphql';
import { builder, semanticNonNull } from './builder.ts';
import './user.ts';
import './profile.ts';
import './relations.ts';
import './follow-connection.ts';
import './new-fans.ts';
import './find-people.ts';
import './follow-changes.ts';
import './events.ts';
import './profile-edit.ts';
import './blocks.ts';
import './presence.ts';

builder.queryType({ description: 'Where every query begins.' });
builder.subscriptionType({ description: 'What can be heard as it happens, over server-sent events or a WebSocket.' });

/** What GraphiQL's documentation begins with. */
const DESCRIPTION =
  'Who follows whom: fans, follows and mutuals of users as Relay connections, with profiles, counts, relations and subscriptions. `user` is where to begin.';

/** The clients' schema. */
export function createSchema(): GraphQLSchema {
  const schema = builder.toSchema({ directives: [...specifiedDirectives, semanticNonNull] });
  schema.description = DESCRIPTION;
  return schema;
}

/** What `schema/schema.graphql` holds: the clients' schema, sorted, without directives for routers but those that are named. */
export function printSdl(forRouters: readonly string[] = []): string {
  const shown = new Set([semanticNonNull.name, ...specifiedDirectives.map(({ name }) => name), ...forRouters]);
  const document = getDocumentNodeFromSchema(createSchema());
  return `${print(visit(document, { Directive: ({ name }) => (shown.has(name.value) ? undefined : null) }))}\n`;
}
