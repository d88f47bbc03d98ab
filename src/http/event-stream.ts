// Subscriptions as server-sent events: GraphQL over SSE in its "distinct connections" mode, on the response itself.
import type { ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import { type Answer, type Answers, EVENT_CURSOR, forClients } from '../server/answers.ts';
import { createHeartbeat } from './heartbeat.ts';

export type EventStreams = {
  /** Sends each answer as an event; resolves when the stream is over, however it ended. */
  send(response: ServerResponse, answers: Answers): Promise<void>;
  /** Cuts off whoever does not read: they cannot be told that a stream is over. */
  leave(): void;
};

/** A client that reads nothing for so long is cut off. Until then events wait in its subscription's queue. */
const PATIENCE_MS = 30_000;
/** Answers leave in pieces: whether a client reads at all is known only when a piece has left. */
const PIECE_BYTES = 65_536;

const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache',
  // nginx would collect events until they fill a buffer.
  'x-accel-buffering': 'no',
};
/** A comment. The first one also makes browsers see the head of the answer. */
const HEARTBEAT = ':\n\n';
const COMPLETE = 'event: complete\ndata:\n\n';

type Stream = {
  readonly response: ServerResponse;
  /** Since when a piece waits to be read. */
  blockedSince: number | null;
  /** Called when the client has read, or is gone. */
  resume(): void;
};

/** Creates what serves all streams of a gateway. */
export function createEventStreams(clock: Clock): EventStreams {
  const heartbeat = createHeartbeat<Stream>(clock, (stream) => {
    const { response, blockedSince } = stream;
    if (!response.writableNeedDrain) response.write(HEARTBEAT);
    else if (blockedSince === null) stream.blockedSince = clock.now();
    else if (clock.now() - blockedSince >= PATIENCE_MS) response.destroy();
  });

  return {
    async send(response, answers) {
      const stream: Stream = { response, blockedSince: null, resume: () => {} };
      response.once('close', () => {
        heartbeat.delete(stream);
        stream.resume();
        // Wakes `next`, which may wait for an event that never comes.
        Promise.resolve(answers.return?.()).catch(() => {});
      });
      // Its close may be over already.
      if (response.destroyed) return void (await answers.return?.());
      heartbeat.add(stream);
      response.writeHead(200, HEADERS);
      response.write(HEARTBEAT);
      for await (const answer of answers) {
        await write(stream, eventOf(answer));
        if (response.destroyed) return;
      }
      heartbeat.delete(stream);
      response.end(COMPLETE);
    },
    leave() {
      for (const { response } of heartbeat.members) if (response.writableNeedDrain) response.destroy();
    },
  };
}

function eventOf(answer: Answer): string {
  const cursor = answer[EVENT_CURSOR];
  return `${cursor === undefined ? '' : `id: ${cursor}\n`}event: next\ndata: ${JSON.stringify(forClients(answer))}\n\n`;
}

/** Resolves when there is room for more, or nobody any more who would read it. */
async function write(stream: Stream, text: string): Promise<void> {
  const { response } = stream;
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length && !response.destroyed; at += PIECE_BYTES) {
    if (response.write(bytes.subarray(at, at + PIECE_BYTES))) continue;
    await new Promise<void>((resolve) => {
      stream.resume = resolve;
      response.once('drain', resolve);
    });
    stream.blockedSince = null;
  }
}
