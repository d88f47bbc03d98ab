import type { Client } from 'graphql-ws';

/** A client of graphql-ws or graphql-sse that goes on from the last event's cursor when it connects again. */
export function resuming<C extends Pick<Client, 'subscribe'>>(client: C): C {
  const subscribe: Client['subscribe'] = (payload, sink) => {
    let after = payload.variables?.after;
    return client.subscribe(
      {
        ...payload,
        // Read again for each try.
        get variables() {
          return { ...payload.variables, after };
        },
      },
      {
        next(answer) {
          for (const event of Object.values(answer.data ?? {}) as ({ cursor?: string } | null)[])
            after = event?.cursor ?? after;
          sink.next(answer as never);
        },
        error: (error) => sink.error(error),
        complete: () => sink.complete(),
      },
    );
  };
  return { ...client, subscribe };
}
