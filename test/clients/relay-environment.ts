// Relay's runtime in front of a gateway, and what its React hooks do with it.
import type { Client } from 'graphql-ws';
import {
  __internal,
  type ConcreteRequest,
  createOperationDescriptor,
  Environment,
  type FetchFunction,
  type GraphQLResponse,
  getPaginationMetadata,
  getPaginationVariables,
  getSingularSelector,
  Network,
  type ReaderFragment,
  RecordSource,
  Store,
  type Variables,
} from 'relay-runtime';
import { missingFieldHandlers, subscribeOver } from '../../schema/client/relay.ts';
import type { TestGateway } from '../support/gateway.ts';

type Connection<Node> = {
  edges: { node: Node }[];
  pageInfo: Partial<
    Record<`has${'Next' | 'Previous'}Page`, boolean> & Record<`${'start' | 'end'}Cursor`, string | null>
  >;
};

/** An environment as Relay's documentation sets it up; `answers` are those of the network, in order. */
export function openEnvironment(gateway: Pick<TestGateway, 'send'>, headers: Record<string, string>, socket?: Client) {
  const answers: GraphQLResponse[] = [];
  const execute: FetchFunction = async ({ text }, variables) => {
    const response = await gateway.send(text ?? '', variables, headers);
    const answer = (await response.json()) as GraphQLResponse;
    answers.push(answer);
    return answer;
  };
  const environment = new Environment({
    store: new Store(new RecordSource()),
    network: Network.create(execute, socket && subscribeOver(socket)),
    missingFieldHandlers,
  });
  return { environment, answers };
}

/** Runs a query and keeps what it brought, as `useLazyLoadQuery` does; `read` reads it from the store. */
export async function query(environment: Environment, request: ConcreteRequest, variables: Variables) {
  const operation = createOperationDescriptor(request, variables, { force: true });
  environment.retain(operation);
  await __internal.fetchQuery(environment, operation).toPromise();
  return () => environment.lookup(operation.fragment).data as Record<string, unknown>;
}

/** A list of a user, loaded page by page as `usePaginationFragment` does it. */
export function paginate<Node>(
  environment: Environment,
  fragment: ReaderFragment,
  readUser: () => unknown,
  direction: 'forward' | 'backward' = 'forward',
) {
  const { paginationRequest, paginationMetadata, connectionPathInFragmentData, identifierField } =
    getPaginationMetadata(fragment, 'paginate');
  const select = () => {
    const selector = getSingularSelector(fragment, readUser());
    if (!selector) throw new Error(`There is no user for ${fragment.name}.`);
    return selector;
  };
  const read = () => {
    const { data, isMissingData } = environment.lookup(select());
    if (isMissingData) throw new Error(`The store lacks some of what ${fragment.name} selects.`);
    return data as Record<string, unknown>;
  };
  const connection = () => {
    const [field] = connectionPathInFragmentData;
    return read()[String(field)] as Connection<Node>;
  };
  return {
    nodes: () => connection().edges.map(({ node }) => node),
    hasNext: () => Boolean(connection().pageInfo[direction === 'forward' ? 'hasNextPage' : 'hasPreviousPage']),
    async loadNext(count = 20) {
      const { variables, owner } = select();
      const { startCursor, endCursor } = connection().pageInfo;
      const cursor = direction === 'forward' ? endCursor : startCursor;
      const bases = { ...owner.variables, ...variables };
      const page = getPaginationVariables(direction, count, cursor, bases, {}, paginationMetadata);
      if (identifierField) page.id = read()[identifierField];
      await query(environment, paginationRequest, page);
    },
  };
}
