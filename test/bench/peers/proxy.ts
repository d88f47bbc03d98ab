// What any server in Node has to do for a screen that it does not know: read the body, ask the upstream for the page, parse
// it, shape the answer, stringify it, send it. It checks nothing, caches nothing and signs nothing.
import { createServer } from 'node:http';
import { readPage } from './source.ts';

type Asked = { variables?: { id: string; first: number } };

const server = createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  request.on('end', async () => {
    const { id, first } = (JSON.parse(text) as Asked).variables ?? {};
    if (!id || !first) return response.writeHead(404).end();
    // As the gateway reads: a page of 100, of which the client's is the beginning.
    const body = JSON.stringify({ data: { user: { fans: await readPage(id, 'fans', first, '', 100) } } });
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    response.end(body);
  });
});
server.keepAliveTimeout = 65_000;
server.listen(Number(process.env.PORT), '127.0.0.1');
