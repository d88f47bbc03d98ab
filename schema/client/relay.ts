// What Relay's runtime needs to know of the graph; its compiler gets `relay.json`.
import type { Client } from 'graphql-ws';
import {
  type GraphQLResponse,
  type MissingFieldHandler,
  Observable,
  ROOT_ID,
  type SubscribeFunction,
} from 'relay-runtime';
import { resuming } from './resuming.ts';
import { lookups } from './shape.ts';

/** `missingFieldHandlers` of `Environment`: a user whom another query has brought is shown at once. */
export const missingFieldHandlers: MissingFieldHandler[] = [
  {
    kind: 'linked',
    handle: ({ name }, parent, { id }) => (parent?.getDataID() === ROOT_ID && name in lookups ? id : undefined),
  },
];

/** What `Network.create` takes for subscriptions, over a client of graphql-ws or graphql-sse; they go on from the last event. */
export function subscribeOver(client: Pick<Client, 'subscribe'>): SubscribeFunction {
  const { subscribe } = resuming(client);
  return ({ id, text }, variables) =>
    Observable.create((sink) =>
      subscribe(
        // Beside a text, which Relay keeps where it is told to, the id may be a hash that the gateway does not know.
        { query: text ?? '', variables, ...(text == null && { doc_id: id }) },
        {
          next: (answer) => sink.next(answer as GraphQLResponse),
          error: (error) => sink.error(error as Error),
          complete: () => sink.complete(),
        },
      ),
    );
}
