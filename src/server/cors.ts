// Pages of other origins: which may read answers. Browsers enforce it; what they would hide anyway is not even run.
// Yoga's own option says "null" to pages that are not listed, which are then all pages in a sandboxed frame, and would
// miss what is refused before Yoga.
import type { IncomingMessage, ServerResponse } from 'node:http';

export type Cors = ReturnType<typeof createCors>;

export type CorsOptions = {
  /** Origins whose pages may ask: exactly these, or all. */
  origins: readonly string[] | '*';
  /** Whether cookies may say who asks, to something before us that then names the viewer. */
  credentials: boolean;
  /** The header by which anybody may name the viewer, in development. */
  viewerHeader: string | null;
};

/** What clients send; the names of Apollo's and other clients are for a router's statistics. */
const REQUEST_HEADERS = [
  'authorization',
  'content-type',
  'if-none-match',
  'x-request-id',
  'apollo-require-preflight',
  'apollographql-client-name',
  'apollographql-client-version',
  'graphql-client-name',
  'graphql-client-version',
  'x-apollo-operation-id',
  'x-apollo-operation-name',
];

/** Makes what knows which pages may ask. Without origins there is not one CORS header. */
export function createCors({ origins, credentials, viewerHeader }: CorsOptions) {
  const isOpen = origins.length > 0;
  const allows = (origin: string | undefined) => origins === '*' || (origin !== undefined && origins.includes(origin));
  const allowedHeaders = [...REQUEST_HEADERS, ...(viewerHeader ? [viewerHeader] : [])].join(', ');

  return {
    /** Tells the browser, in the head of an answer, whether the page may read it. */
    mark({ headers: { origin } }: IncomingMessage, response: ServerResponse): void {
      if (!isOpen) return;
      // Also without an origin: a shared cache must not answer one page with what another was told.
      if (origins !== '*') response.setHeader('vary', 'origin');
      if (origin === undefined || !allows(origin)) return;
      response.setHeader('access-control-allow-origin', origins === '*' ? '*' : origin);
      response.setHeader('access-control-expose-headers', 'x-request-id, etag, retry-after');
      if (credentials && origins !== '*') response.setHeader('access-control-allow-credentials', 'true');
    },

    /** Whether a request is the browser's question before a page's real one. */
    isPreflight: ({ method, headers }: IncomingMessage): boolean =>
      method === 'OPTIONS' && isOpen && 'origin' in headers && 'access-control-request-method' in headers,

    /** Answers such a question. */
    answerPreflight(response: ServerResponse): void {
      response.setHeader('access-control-allow-methods', 'GET, POST');
      response.setHeader('access-control-allow-headers', allowedHeaders);
      // As long as Chrome keeps an answer at most.
      response.setHeader('access-control-max-age', '7200');
      response.writeHead(204).end();
    },

    /** Whether a page asks that could not read the answer. */
    isForeign({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
      const site = headers['sec-fetch-site'] ?? 'none';
      // A person who follows a link then sees the answer; the page with the link does not.
      if (site === 'none' || site === 'same-origin' || headers['sec-fetch-dest'] === 'document') return false;
      return !allows(headers.origin);
    },

    /** The same for a WebSocket, where browsers would hide nothing. */
    isForeignSocket({ headers: { origin, host, 'sec-fetch-site': site } }: IncomingMessage): boolean {
      // Programs name no origin. What a browser says of the site counts where a proxy has changed the host.
      if (origin === undefined || site === 'same-origin' || allows(origin)) return false;
      return URL.parse(origin)?.host !== host?.toLowerCase();
    },
  };
}
