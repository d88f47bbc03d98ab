// Apollo Client in front of a gateway, with the settings that schema/CLIENTS.md names.
import { readFileSync } from 'node:fs';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, type TypePolicies } from '@apollo/client/core';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import { buildSchema, isAbstractType, OperationTypeNode } from 'graphql';
import type { Client } from 'graphql-ws';
import { onTestFinished } from 'vitest';
import type { TestGateway } from '../support/gateway.ts';

const schema = buildSchema(readFileSync(new URL('../../schema/schema.graphql', import.meta.url), 'utf8'));

/** Which types an interface or a union stands for. */
export const POSSIBLE_TYPES = Object.fromEntries(
  Object.values(schema.getTypeMap())
    .filter(isAbstractType)
    .map((type) => [type.name, schema.getPossibleTypes(type).map(({ name }) => name)]),
);

const TYPE_POLICIES: TypePolicies = {
  Query: {
    fields: {
      searchUsers: relayStylePagination(['text']),
      // A user that another query has brought is shown at once.
      user: { read: (known, { args, toReference }) => known ?? toReference({ __typename: 'User', id: args?.id }) },
    },
  },
  User: {
    fields: {
      fans: relayStylePagination(['matching']),
      follows: relayStylePagination(['matching', 'orderBy']),
      mutuals: relayStylePagination(['matching', 'orderBy']),
      knownFans: relayStylePagination(),
    },
  },
};

export type ApolloOptions = { viewer?: string; useGETForQueries?: boolean; socket?: Client };

/** The client, and the methods with which it has asked over HTTP. */
export function openApollo(
  { url }: Pick<TestGateway, 'url'>,
  { viewer, useGETForQueries = false, socket }: ApolloOptions = {},
) {
  const methods: string[] = [];
  const http = new HttpLink({
    uri: `${url}/graphql`,
    headers: viewer === undefined ? {} : { 'x-viewer-id': viewer },
    useGETForQueries,
    fetch(input, init) {
      methods.push(init?.method ?? 'GET');
      return fetch(input, init);
    },
  });
  const client = new ApolloClient({
    cache: new InMemoryCache({ possibleTypes: POSSIBLE_TYPES, typePolicies: TYPE_POLICIES }),
    link: socket
      ? ApolloLink.split(
          ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
          new GraphQLWsLink(socket),
          http,
        )
      : http,
  });
  onTestFinished(() => client.stop());
  return { client, methods };
}
