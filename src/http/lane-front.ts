// What stands before GraphQL on the short lane: the same questions as `front.ts` asks of every request, of which those that
// the headers alone answer are asked once for each of their texts. It refuses nothing but junk webhooks: what is not as
// usual goes on to Node's server, with what has been found out.
import { isUtf8 } from 'node:buffer';
import type { Socket } from 'node:net';
import type { Viewer } from '../auth/viewer.ts';
import { isNestedTooDeep } from './body.ts';
import type { Asker } from './client-address.ts';
import { type Exchange, forLog, openExchange } from './exchange.ts';
import { type FrontDependencies, GRAPHQL_PATH } from './front.ts';
import { createLaneReply } from './lane-reply.ts';
import type { LaneRequest, LaneServing } from './lane-request.ts';
import type { RequestHead } from './request-head.ts';
import { notAcceptable, wrongBody } from './request-rules.ts';
import { setSecurityHeaders } from './security-headers.ts';
import type { Reply } from './send-answer.ts';
import { REFUSED, WEBHOOK_TYPE } from './webhook-endpoint.ts';

/** A request that has been begun here, for whoever goes on with it. */
export type Begun = {
  readonly exchange: Exchange;
  readonly startedAt: number;
  /** In how many seconds the client may come again; null when it may go on. */
  readonly seconds: number | null;
};

/** An operation, and the way to its client. */
export type LaneOperation = {
  readonly exchange: Exchange;
  readonly accept: string | undefined;
  readonly reply: Reply;
  gone(): AbortSignal;
};

export type LaneFrontDependencies = Pick<
  FrontDependencies,
  'authenticate' | 'cors' | 'tooSoon' | 'isHttps' | 'onExchange' | 'webhook' | 'clock'
> & {
  /** Answers an operation. False: nothing has been written, and it has to be answered in another way. */
  graphql(operation: LaneOperation, body: string): boolean | Promise<boolean>;
  /** Told of an operation that could not be answered before its client was gone: nobody else will. */
  onGone(exchange: Exchange): void;
};

export type LaneFront = Pick<LaneServing, 'wants' | 'awaits' | 'onAbandoned' | 'onLeftToNode' | 'serve'> & {
  /** What has been begun of the request that Node's server has read from this connection. */
  begun(connection: Socket): Begun | undefined;
};

/** What the headers alone tell. */
type Facts = {
  /** Whether they go with an operation by POST as most clients send it, which is not to be refused. */
  readonly isUsual: boolean;
  /** The answer's headers, as lines; all but `vary`. */
  readonly lines: string;
  readonly vary: string | undefined;
};

export function createLaneFront(dependencies: LaneFrontDependencies): LaneFront {
  const { authenticate, cors, tooSoon = () => null, onExchange, onGone, webhook, clock, graphql } = dependencies;
  const createReply = createLaneReply(dependencies);
  const known = new WeakMap<RequestHead['headers'], Facts>();
  /** What Node's server goes on with, and what waits for its body. */
  const begun = new WeakMap<Socket, Begun>();
  const arrived = new WeakMap<Socket, Begun>();

  function factsOf(head: RequestHead): Facts {
    const before = known.get(head.headers);
    if (before) return before;
    const headers = new Map<string, string>();
    const sink = {
      getHeader: (name: string) => headers.get(name),
      setHeader: (name: string, value: string) => headers.set(name, value),
    };
    setSecurityHeaders(sink);
    cors.mark(head, sink);
    const vary = headers.get('vary');
    headers.delete('vary');
    const isUsual = !(cors.isForeign(head) || notAcceptable(head) || wrongBody(head));
    const facts = { isUsual, lines: Array.from(headers, ([name, value]) => `${name}: ${value}\r\n`).join(''), vary };
    known.set(head.headers, facts);
    return facts;
  }

  const isOperation = (head: RequestHead) =>
    head.method === 'POST' && head.url === GRAPHQL_PATH && factsOf(head).isUsual;
  const isWebhook = ({ url }: RequestHead) => webhook !== null && url.split('?', 1)[0] === webhook.path;

  /** Begins a request: from here on the log tells of it. */
  function begin({ headers }: RequestHead): Begun {
    return { exchange: openExchange(headers['x-request-id']), startedAt: clock.now(), seconds: null };
  }

  function tell({ exchange, startedAt }: Begun, path: string, status: number, aborted: boolean): void {
    onExchange({ ...forLog(exchange), method: 'POST', path, status, ms: clock.now() - startedAt, aborted });
  }

  function replyTo(request: LaneRequest, opened: Begun, path: string): Reply {
    const end = (status: number, aborted: boolean) => tell(opened, path, status, aborted);
    request.onGone = () => end(200, true);
    return createReply(request, factsOf(request.head), opened.exchange.requestId, end);
  }

  /** Counts a request against what its client may ask. */
  function count(request: Begun, asker: Asker, viewer: Viewer | null): Begun {
    request.exchange.viewer = viewer;
    return { ...request, seconds: tooSoon(asker, viewer) };
  }

  /** Refuses what its address alone tells to be junk. */
  function serveWebhook(request: LaneRequest, { path, refuse }: NonNullable<typeof webhook>): boolean {
    const refusal = refuse(request.head.url);
    if (refusal === null) return false;
    const opened = begin(request.head);
    const reply = replyTo(request, opened, path);
    reply.write({ status: REFUSED, type: WEBHOOK_TYPE, vary: reply.vary, encoding: undefined }, refusal);
    return true;
  }

  function serveOperation(request: LaneRequest): boolean | Promise<boolean> {
    const { socket, body, gone } = request;
    const { headers } = request.head;
    const known = arrived.get(socket);
    arrived.delete(socket);
    const opened = known ?? begin(request.head);
    const { exchange } = opened;
    const reply = replyTo(request, opened, GRAPHQL_PATH);

    /** Leaves the rest to Node's server. */
    function leave(counted: Begun): false {
      request.onGone = null;
      if (socket.destroyed) onGone(exchange);
      begun.set(socket, counted);
      return false;
    }

    function answer(counted: Begun): boolean | Promise<boolean> {
      if (counted.seconds !== null) return leave(counted);
      const text = isUtf8(body) ? body.toString('utf8') : '';
      if (text === '' || isNestedTooDeep(text)) return leave(counted);
      const close = (isAnswered: boolean) => {
        if (!isAnswered) return leave(counted);
        // Nothing was written any more.
        request.onGone?.();
        return true;
      };
      const answered = graphql({ exchange, accept: headers.accept, reply, gone }, text);
      return typeof answered === 'boolean' ? close(answered) : answered.then(close);
    }

    if (known) return answer(known);
    const viewer = authenticate((name) => headers[name]);
    const asker = { headers, socket };
    return viewer instanceof Promise
      ? viewer.then((proven) => answer(count(opened, asker, proven)))
      : answer(count(opened, asker, viewer));
  }

  /** Has who asks looked at before the body is there; false where that takes time, or is to be refused. */
  function arrive(head: RequestHead, socket: Socket): boolean {
    const { headers } = head;
    if (headers.authorization !== undefined) return false;
    const viewer = authenticate((name) => headers[name]);
    if (viewer instanceof Promise) return false;
    const counted = count(begin(head), { headers, socket }, viewer);
    (counted.seconds === null ? arrived : begun).set(socket, counted);
    return counted.seconds === null;
  }

  return {
    wants: (head) => isOperation(head) || (head.method === 'POST' && isWebhook(head)),
    awaits(head, socket) {
      try {
        return isOperation(head) && arrive(head, socket);
      } catch {
        // Who words refusals finds it out once more.
        return false;
      }
    },
    onAbandoned(socket, status) {
      const known = arrived.get(socket);
      arrived.delete(socket);
      if (known) tell(known, GRAPHQL_PATH, status ?? 200, status === null);
    },
    onLeftToNode(socket) {
      const known = arrived.get(socket);
      arrived.delete(socket);
      if (known) begun.set(socket, known);
    },
    serve(request) {
      const unusual = () => {
        request.onGone = null;
        return false;
      };
      try {
        const isOther = webhook !== null && request.head.url !== GRAPHQL_PATH;
        const served = isOther ? serveWebhook(request, webhook) : serveOperation(request);
        return typeof served === 'boolean' ? served : served.catch(unusual);
      } catch {
        return unusual();
      }
    },
    begun(connection) {
      const known = begun.get(connection);
      begun.delete(connection);
      return known;
    },
  };
}
