// Subscriptions over server-sent events are Yoga's; the streams that are open are known here, so that they can be ended.
import type { ServerResponse } from 'node:http';

export type EventStreams = {
  /** The answer to this request is going to be a stream. */
  add(response: ServerResponse): void;
  /** Cuts all streams off: a client that is told of the end would not come back. */
  leave(): void;
};

export function createEventStreams(): EventStreams {
  const streams = new Set<ServerResponse>();
  return {
    add(response) {
      streams.add(response);
      response.once('close', () => streams.delete(response));
      // nginx would collect events until they fill a buffer.
      response.setHeader('x-accel-buffering', 'no');
    },
    leave() {
      for (const response of streams) response.destroy();
    },
  };
}
