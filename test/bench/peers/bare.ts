// What any server in Node has to do for the same answers: read the body, find the object, stringify it, send it.
// `/graphql` does that; `/stored` sends bytes that were stringified before, the most that Node can do.
import { createServer } from 'node:http';
import { announce, keyOf, readLearnt } from './pages.ts';

type Asked = { variables: { id: string; first: number } };

const objects = new Map(readLearnt().map(({ id, first, answer }) => [keyOf(id, first), answer]));
const stored = new Map(Array.from(objects, ([key, answer]) => [key, Buffer.from(JSON.stringify(answer))]));
const TYPE = 'application/graphql-response+json; charset=utf-8';

const server = createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8');
  request.on('data', (more: string) => {
    text += more;
  });
  request.on('end', () => {
    const { variables } = JSON.parse(text) as Asked;
    const key = keyOf(variables.id, variables.first);
    if (request.url === '/stored') {
      const bytes = stored.get(key);
      if (!bytes) return response.writeHead(404).end();
      response.writeHead(200, { 'content-type': TYPE, 'content-length': bytes.byteLength });
      return response.end(bytes);
    }
    const answer = objects.get(key);
    if (!answer) return response.writeHead(404).end();
    const json = JSON.stringify(answer);
    response.writeHead(200, { 'content-type': TYPE, 'content-length': Buffer.byteLength(json) });
    response.end(json);
  });
});
server.listen(0, '127.0.0.1', () => announce(server));
