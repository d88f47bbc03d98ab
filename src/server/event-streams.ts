// Answers one after the other, as server-sent events or in parts: each leaves when the client has read what came before.
import type { ServerResponse } from 'node:http';
import type { ExecutionResult } from 'graphql';
import type { Clock } from '../clock.ts';
import type { StreamType } from './graphql-http.ts';
import { publicAnswer } from './public-answer.ts';

export type EventStreams = ReturnType<typeof createEventStreams>;

/** Proxies close connections that are silent for longer than a minute or so; browsers wait for the first byte. */
const PING_MS = 12_000;

type Format = { contentType: string; begin: string; ping: string; answer(json: string): string; end: string };

const BOUNDARY = '\r\n--graphql';
/** A part counts as complete when the boundary behind it is there. */
const part = (json: string) => `\r\ncontent-type: application/json\r\n\r\n${json}${BOUNDARY}`;

const FORMATS: Record<StreamType, Format> = {
  // graphql-sse's protocol, in distinct connections.
  'text/event-stream': {
    contentType: 'text/event-stream',
    begin: '',
    ping: ':\n\n',
    answer: (json) => `event: next\ndata: ${json}\n\n`,
    end: 'event: complete\ndata:\n\n',
  },
  // Apollo's multipart protocol for subscriptions.
  'multipart/mixed': {
    contentType: 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0',
    begin: BOUNDARY,
    ping: part('{}'),
    answer: (json) => part(`{"payload":${json}}`),
    end: '--\r\n',
  },
};

/** Creates what sends all streams of a gateway. */
export function createEventStreams(clock: Clock) {
  const streams = new Set<ServerResponse>();
  let isLeaving = false;
  return {
    /** Sends the answers, none of them larger than `maxBytes`; resolves when the stream is over, however it ended. */
    async send(
      response: ServerResponse,
      answers: AsyncIterableIterator<ExecutionResult> | IterableIterator<ExecutionResult>,
      maxBytes: number,
      type: StreamType = 'text/event-stream',
    ): Promise<void> {
      const format = FORMATS[type];
      let resume = () => {};
      let disarm = () => {};
      const ping = () => {
        disarm = clock.alarm(PING_MS, ping);
        if (!response.writableNeedDrain) response.write(format.ping);
      };
      streams.add(response);
      response.on('drain', () => resume());
      response.once('close', () => {
        streams.delete(response);
        disarm();
        resume();
        void answers.return?.();
      });
      response.setHeader('content-type', format.contentType);
      // nginx would collect events until they fill a buffer.
      response.setHeader('x-accel-buffering', 'no');
      response.write(format.begin);
      ping();
      // It came on a connection that is kept while requests may be on their way.
      if (isLeaving && Symbol.asyncIterator in answers) response.destroy();
      for await (const answer of answers) {
        if (response.destroyed) return;
        if (!response.write(format.answer(JSON.stringify(publicAnswer(answer, maxBytes)))))
          await new Promise<void>((resolve) => {
            resume = resolve;
          });
      }
      // Behind an unread answer on the same connection it closes much later.
      disarm();
      response.end(format.end);
    },

    /** Cuts all streams off: a client that reads `complete` would not come back. */
    leave(): void {
      isLeaving = true;
      for (const response of streams) response.destroy();
    },
  };
}
