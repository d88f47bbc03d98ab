// Sends an answer that is whole, in one go.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { varyOf } from './cache-control.ts';
import { compressed } from './compression.ts';
import { byteLengthOf, type Content, wholeOf } from './content.ts';

/** What an answer says of itself. */
export type AnswerHead = {
  readonly status: number;
  readonly type: string;
  readonly vary: string | undefined;
  readonly encoding: 'gzip' | undefined;
};

/** The way to a client that waits for an answer. */
export type Reply = {
  /** What it takes: its `accept-encoding` header. */
  readonly accepted: string | undefined;
  /** What the answer depends on already, as `vary` says it. */
  readonly vary: string | undefined;
  /** Whether the client has gone. */
  isGone(): boolean;
  write(head: AnswerHead, content: Content): void;
};

/** Sends JSON of this content type; at once, or when it has been compressed. */
export type SendAnswer = (reply: Reply, status: number, type: string, body: Content) => void | Promise<void>;

export function createSendAnswer({ compression }: { compression: boolean }): SendAnswer {
  /** By what an answer varies with before, which is one of very few. */
  const varies = new Map<string | undefined, string>();

  function varyAfter(known: string | undefined): string {
    const vary = varies.get(known) ?? varyOf(known, ['accept-encoding']);
    varies.set(known, vary);
    return vary;
  }

  return (reply, status, type, body) => {
    if (reply.isGone()) return undefined;
    if (!compression) return reply.write({ status, type, vary: reply.vary, encoding: undefined }, body);
    const vary = varyAfter(reply.vary);
    const shorter = compressed(() => wholeOf(body), byteLengthOf(body), reply.accepted);
    if (!shorter) return reply.write({ status, type, vary, encoding: undefined }, body);
    return shorter.then((bytes) => {
      if (!reply.isGone()) reply.write({ status, type, vary, encoding: 'gzip' }, bytes);
    });
  };
}

/** The way to the client of a request that Node's server has read. */
export function replyBy(request: IncomingMessage, response: ServerResponse): Reply {
  return {
    accepted: request.headers['accept-encoding']?.toString(),
    vary: response.getHeader('vary')?.toString(),
    isGone: () => response.destroyed,
    write({ status, type, vary, encoding }, content) {
      if (vary !== undefined) response.setHeader('vary', vary);
      if (encoding !== undefined) response.setHeader('content-encoding', encoding);
      response.writeHead(status, { 'content-type': type, 'content-length': byteLengthOf(content) });
      response.end(wholeOf(content));
    },
  };
}
