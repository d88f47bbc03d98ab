// What Yoga makes of the same subscription by itself, without anything of ours around it: nothing ever happens here.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createYoga } from 'graphql-yoga';
import { schema } from '../../src/graph/schema.ts';

/** Events that never come. */
const silence = () => {
  let end: ((result: IteratorResult<never>) => void) | undefined;
  return {
    next: () =>
      new Promise<IteratorResult<never>>((resolve) => {
        end = resolve;
      }),
    return() {
      end?.({ value: undefined, done: true });
      return Promise.resolve({ value: undefined, done: true as const });
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
};

const yoga = createYoga({
  schema,
  logging: false,
  context: () => ({
    settings: { userIdPattern: /^\w+$/ },
    isKnownMissing: () => false,
    maySee: () => true,
    live: { followEvents: silence },
  }),
});
const server = createServer((request, response) => void yoga(request, response));
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`http://127.0.0.1:${port}/graphql\n`);
});
