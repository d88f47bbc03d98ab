// The GraphiQL page, whole from this process: no script, style or font comes from elsewhere.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const compress = promisify(gzip);

/**
 * Serves GraphiQL with `operations` as its tabs. The page takes 9 MB before compression, so it is loaded, rendered and
 * compressed when somebody first opens it, and then kept.
 */
export function createGraphiqlPage(operations: () => readonly string[]) {
  let page: Promise<Buffer> | undefined;

  return async (_request: IncomingMessage, response: ServerResponse): Promise<void> => {
    page ??= renderPage(operations());
    const body = await page;
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-encoding': 'gzip',
      'content-length': body.byteLength,
      'cache-control': 'no-cache',
    });
    response.end(body);
  };
}

async function renderPage(operations: readonly string[]): Promise<Buffer> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const html = renderGraphiQL({
    title: 'follow-gateway',
    defaultTabs: operations.map((query) => ({ query })),
  });
  return compress(html, { level: 6 });
}
