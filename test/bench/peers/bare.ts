// What any server in Node has to do for the warm screen: read the body, find the object, stringify it, send it.
// `/stored` sends bytes that were stringified before, which is the most that Node can do.
import { createServer } from 'node:http';
import { answerOf } from './pages.ts';

type Asked = { variables?: { id: string; first: number } };

const stored = new WeakMap<object, Buffer>();

function bytesOf(answer: object): Buffer {
  const bytes = stored.get(answer) ?? Buffer.from(JSON.stringify(answer));
  stored.set(answer, bytes);
  return bytes;
}

const server = createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  request.on('end', () => {
    const { id = '', first = 0 } = (JSON.parse(text) as Asked).variables ?? {};
    const answer = answerOf(id, first);
    if (!answer) return response.writeHead(404).end();
    const body = request.url === '/stored' ? bytesOf(answer) : JSON.stringify(answer);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    response.end(body);
  });
});
server.listen(Number(process.env.PORT), '127.0.0.1');
