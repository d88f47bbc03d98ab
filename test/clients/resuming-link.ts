// Apollo Client's subscriptions over HTTP alone: the code of schema/CLIENTS.md.
import { ApolloLink, HttpLink, ServerError } from '@apollo/client';
import { RetryLink } from '@apollo/client/link/retry';
import { tap } from 'rxjs';

export function resumingLink(uri: string): ApolloLink {
  const again = new RetryLink({
    delay: { max: 10_000 },
    attempts: (_count, { operationType }, error) =>
      operationType === 'subscription' && !(ServerError.is(error) && error.statusCode < 500),
  });
  const fromCursor = new ApolloLink((operation, forward) =>
    forward(operation).pipe(
      tap(({ data }) => {
        for (const event of Object.values(data ?? {}))
          if (event?.cursor) operation.variables = { ...operation.variables, after: event.cursor };
      }),
    ),
  );
  return ApolloLink.from([again, fromCursor, new HttpLink({ uri })]);
}
