// Answers as events, one after the other: each leaves when the client has read what came before.
import type { ServerResponse } from 'node:http';
import type { ExecutionResult } from 'graphql';
import { type Clock, setAlarm } from '../clock.ts';
import { publicAnswer } from './public-answer.ts';

export type EventStreams = ReturnType<typeof createEventStreams>;

/** Proxies close connections that are silent for longer than a minute or so; browsers wait for the first byte. */
const PING_MS = 12_000;
const PING = ':\n\n';

/** Creates what sends all streams of a gateway. */
export function createEventStreams(clock: Clock) {
  const streams = new Set<ServerResponse>();
  return {
    /** Sends the answers, none of them larger than `maxBytes`; resolves when the stream is over, however it ended. */
    async send(
      response: ServerResponse,
      answers: AsyncIterableIterator<ExecutionResult> | IterableIterator<ExecutionResult>,
      maxBytes: number,
    ): Promise<void> {
      let resume = () => {};
      let disarm = () => {};
      const ping = () => {
        disarm = setAlarm(clock, PING_MS, ping);
        if (!response.writableNeedDrain) response.write(PING);
      };
      streams.add(response);
      response.on('drain', () => resume());
      response.once('close', () => {
        streams.delete(response);
        disarm();
        resume();
        void answers.return?.();
      });
      response.setHeader('content-type', 'text/event-stream');
      // nginx would collect events until they fill a buffer.
      response.setHeader('x-accel-buffering', 'no');
      ping();
      for await (const answer of answers) {
        if (response.destroyed) return;
        if (!response.write(`event: next\ndata: ${JSON.stringify(publicAnswer(answer, maxBytes))}\n\n`))
          await new Promise<void>((resolve) => {
            resume = resolve;
          });
      }
      response.end('event: complete\ndata:\n\n');
    },

    /** Cuts all streams off: a client that reads `complete` would not come back. */
    leave(): void {
      for (const response of streams) response.destroy();
    },
  };
}
