// Pages of other origins: which may read answers. Browsers enforce it; what they would hide anyway is not even run.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { addVary, type HeaderSink } from './security-headers.ts';

/** Origins whose pages may ask: exactly these, or all. */
export type Origins = readonly string[] | '*';

export type Cors = {
  /** Tells the browser, in the head of an answer, whether the page may read it. */
  mark(request: Pick<IncomingMessage, 'headers'>, response: HeaderSink): void;
  /** Whether a request is the browser's question before a page's real one. */
  isPreflight(request: IncomingMessage): boolean;
  /** Answers such a question of a page that may ask. */
  answerPreflight(response: ServerResponse): void;
  /** Whether a page asks that could not read the answer. */
  isForeign(request: Pick<IncomingMessage, 'headers'>): boolean;
  /** The same for a WebSocket, where browsers would hide nothing. */
  isForeignSocket(request: IncomingMessage): boolean;
};

export type CorsOptions = {
  origins: Origins;
  /** Whether something before us lets cookies say who asks: then pages of these origins may send them. */
  credentials: boolean;
  /** Headers that pages may send, besides those of every deployment. */
  headers?: readonly string[];
};

/** What clients send; the names of Apollo's and other clients are for a router's statistics. */
const REQUEST_HEADERS = [
  'authorization',
  'content-type',
  'if-none-match',
  'last-event-id',
  'x-request-id',
  'apollo-require-preflight',
  'apollographql-client-name',
  'apollographql-client-version',
  'graphql-client-name',
  'graphql-client-version',
  'x-apollo-operation-id',
  'x-apollo-operation-name',
];
const EXPOSED_HEADERS = 'x-request-id, etag, retry-after';
/** As long as Chrome keeps an answer at most. */
const PREFLIGHT_SECONDS = '7200';

/** Makes what knows which pages may ask. Without origins there is not one CORS header. */
export function createCors({ origins, credentials, headers = [] }: CorsOptions): Cors {
  const allowed = new Set(origins === '*' ? [] : origins);
  const isOpen = allowed.size > 0 || origins === '*';
  const allowedHeaders = [...REQUEST_HEADERS, ...headers].join(', ');
  const allows = (origin: string | undefined) => origin !== undefined && (origins === '*' || allowed.has(origin));

  return {
    mark({ headers: { origin } }, response) {
      if (!isOpen) return;
      // Also without an origin: a shared cache must not answer one page with what another was told.
      if (origins !== '*') addVary(response, 'origin');
      if (!origin || !allows(origin)) return;
      response.setHeader('access-control-allow-origin', origins === '*' ? '*' : origin);
      response.setHeader('access-control-expose-headers', EXPOSED_HEADERS);
      if (credentials && origins !== '*') response.setHeader('access-control-allow-credentials', 'true');
    },
    isPreflight: ({ method, headers }) =>
      method === 'OPTIONS' && isOpen && 'origin' in headers && 'access-control-request-method' in headers,
    answerPreflight(response) {
      response.setHeader('access-control-allow-methods', 'GET, POST');
      response.setHeader('access-control-allow-headers', allowedHeaders);
      response.setHeader('access-control-max-age', PREFLIGHT_SECONDS);
      response.writeHead(204).end();
    },
    isForeign({ headers }) {
      const site = headers['sec-fetch-site'];
      if (site === undefined || site === 'same-origin' || site === 'none') return false;
      // A link is followed by a person, who then sees the answer; the page with the link does not.
      return headers['sec-fetch-dest'] !== 'document' && origins !== '*' && !allows(headers.origin);
    },
    isForeignSocket({ headers }) {
      const { origin, host } = headers;
      // Programs name none. What a browser says of the site counts where a proxy has changed the host.
      if (origin === undefined || headers['sec-fetch-site'] === 'same-origin') return false;
      return !allows(origin) && (host === undefined || URL.parse(origin)?.host !== host.toLowerCase());
    },
  };
}
