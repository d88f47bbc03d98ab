import { createServer } from 'node:http';

/** Serves texts over HTTP on the port of the environment, with as little work as Node allows. */
export function serve(answer: (path: string, text: string, send: (json: string | Buffer) => void) => void): void {
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (more: string) => {
      text += more;
    });
    request.on('end', () =>
      answer(request.url ?? '', text, (json) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) });
        response.end(json);
      }),
    );
  });
  server.keepAliveTimeout = 65_000;
  server.listen(Number(process.env.PORT), '127.0.0.1');
}
