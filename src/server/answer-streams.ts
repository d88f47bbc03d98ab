// Answers in parts, such as events: each part leaves when the client has read what came before.
import type { ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';

/** A client that leaves a part unread for so long is cut off. Until then events wait in its subscription's queue. */
const PATIENCE_MS = 30_000;

export type AnswerStreams = ReturnType<typeof createAnswerStreams>;

/** Creates what sends all streams of a gateway. */
export function createAnswerStreams(clock: Clock) {
  /** Those whose clients have not read the last part. */
  const unread = new Set<ServerResponse>();

  /** Resolves when the client has read, or is gone. */
  function drained(response: ServerResponse): Promise<void> {
    return new Promise((resolve) => {
      const patience = new AbortController();
      unread.add(response);
      const over = () => {
        unread.delete(response);
        patience.abort();
        response.off('drain', over).off('close', over);
        resolve();
      };
      response.once('drain', over).once('close', over);
      clock.sleep(PATIENCE_MS, patience.signal).then(
        () => response.destroy(),
        () => {},
      );
    });
  }

  return {
    /** Sends each part; resolves when the stream is over, however it ended. */
    async send(response: ServerResponse, body: ReadableStream<Uint8Array>): Promise<void> {
      const parts = body.getReader();
      // Wakes `read`, which may wait for an event that never comes.
      response.once('close', () => void parts.cancel().catch(() => {}));
      for (;;) {
        const { done, value } = await parts.read();
        if (response.destroyed) return void parts.cancel();
        if (done) return void response.end();
        if (!response.write(value)) await drained(response);
      }
    },

    /** Cuts off the clients that do not read: they cannot be told that a stream is over. */
    leave(): void {
      for (const response of unread) response.destroy();
    },
  };
}
