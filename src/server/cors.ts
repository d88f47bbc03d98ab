// Pages of other origins: which may read answers. Browsers enforce it; an answer that they would hide is not even made.
// Yoga's own option says "null" to pages that are not listed, which are then all pages in a sandboxed frame, and would
// miss what is refused before Yoga.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Config } from '../config.ts';
import type { OccasionalReport } from '../report.ts';
import { isLoopback } from '../settings/values.ts';

export type Cors = ReturnType<typeof createCors>;

/** Makes what knows which pages may ask. Without origins there is not one CORS header. */
export function createCors(config: Config, report: OccasionalReport) {
  const { corsOrigins: origins } = config;
  // Before a sandbox, pages that this machine serves may ask too: a frontend that is being written.
  const allowsLoopback = !config.production && config.sandboxOrigin !== null;
  // A proxy before us may know the viewer by cookies.
  const credentials = config.auth.header !== null;
  const allows = (origin: string | undefined) =>
    origins === '*' ||
    (origin !== undefined && (origins.includes(origin) || (allowsLoopback && isPageOfLoopback(origin))));
  const isOpen = (origin: string | undefined) => origins.length > 0 || allows(origin);

  /** Whether a page of another origin asks that may not. Programs name no origin. */
  function isRefused({ headers }: IncomingMessage): boolean {
    const { origin, host, 'sec-fetch-site': site } = headers;
    // What a browser says of the site counts where a proxy has changed the host.
    if (origin === undefined || site === 'same-origin' || allows(origin)) return false;
    if (URL.parse(origin)?.host === host?.toLowerCase()) return false;
    const message = 'A page of an origin that CORS_ORIGINS does not name was refused: name it to let it in';
    report(origin, message, { origin });
    return true;
  }

  return {
    /** Tells the browser, in the head of an answer, whether the page may read it. */
    mark(request: IncomingMessage, response: ServerResponse): void {
      const { origin } = request.headers;
      isRefused(request);
      if (!isOpen(origin)) return;
      // Also without an origin: a shared cache must not answer one page with the headers of another.
      if (origins !== '*') response.setHeader('vary', 'origin');
      if (origin === undefined || !allows(origin)) return;
      response.setHeader('access-control-allow-origin', origins === '*' ? '*' : origin);
      response.setHeader('access-control-expose-headers', 'x-request-id, etag, retry-after');
      if (credentials && origins !== '*') response.setHeader('access-control-allow-credentials', 'true');
    },

    /** Whether a request is the browser's question before a page's real one. */
    isPreflight: ({ method, headers }: IncomingMessage): boolean =>
      method === 'OPTIONS' &&
      isOpen(headers.origin) &&
      'origin' in headers &&
      'access-control-request-method' in headers,

    /** Answers such a question. */
    answerPreflight({ headers }: IncomingMessage, response: ServerResponse): void {
      response.setHeader('access-control-allow-methods', 'GET, POST');
      // A browser that may not send one header, such as one for tracing, sends nothing. No header opens anything by itself.
      response.setHeader('access-control-allow-headers', headers['access-control-request-headers'] ?? '');
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
    isForeignSocket: isRefused,
  };
}

function isPageOfLoopback(origin: string): boolean {
  const url = URL.parse(origin);
  return url?.origin === origin && isLoopback(url.hostname);
}
