// Answers in parts, such as events: each part leaves when the client has read what came before.
import type { ServerResponse } from 'node:http';

export type EventStreams = ReturnType<typeof createEventStreams>;

/** Creates what sends all streams of a gateway. */
export function createEventStreams() {
  const streams = new Set<ServerResponse>();
  return {
    /** Sends each part; resolves when the stream is over, however it ended. */
    async send(response: ServerResponse, body: ReadableStream<Uint8Array>): Promise<void> {
      const parts = body.getReader();
      let resume = () => {};
      streams.add(response);
      response.on('drain', () => resume());
      response.once('close', () => {
        streams.delete(response);
        resume();
        // Wakes `read`, which may wait for an event that never comes.
        parts.cancel().catch(() => {});
      });
      // nginx would collect events until they fill a buffer.
      response.setHeader('x-accel-buffering', 'no');
      for (;;) {
        const { done, value } = await parts.read();
        if (response.destroyed) return;
        if (done) return void response.end();
        if (!response.write(value))
          await new Promise<void>((resolve) => {
            resume = resolve;
          });
      }
    },

    /** Cuts all streams off: a client that is told of the end would not come back. */
    leave(): void {
      for (const response of streams) response.destroy();
    },
  };
}
