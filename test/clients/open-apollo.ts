// Apollo Client in front of a gateway, with the settings of the contract's package.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client/core';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import type { Client } from 'graphql-ws';
import { onTestFinished } from 'vitest';
import { possibleTypes, typePolicies } from '../../schema/client/apollo.ts';
import type { TestGateway } from '../support/gateway.ts';

type ApolloOptions = { viewer?: string; useGETForQueries?: boolean; socket?: Client };

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
    cache: new InMemoryCache({ possibleTypes, typePolicies }),
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
