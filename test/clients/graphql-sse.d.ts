declare module 'graphql-sse' {
  import type { Client } from 'graphql-ws';

  export function createClient(options: { url: string }): Pick<Client, 'subscribe' | 'dispose'>;
}
