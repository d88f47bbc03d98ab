// What any server in Node has to do for the same answers: read the body, find the object, stringify it, send the bytes.
// `/graphql` does that; `/stored` sends bytes that were stringified before, the most that Node can do.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const answers = new Map<string, { object: unknown; bytes: Buffer }>();

const server = createServer(async (request, response) => {
  const { variables } = JSON.parse(await textOf(request)) as { variables: { id: string; answer?: string } };
  if (variables.answer !== undefined) {
    answers.set(variables.id, { object: JSON.parse(variables.answer), bytes: Buffer.from(variables.answer) });
    return send(response, Buffer.alloc(0));
  }
  const answer = answers.get(variables.id);
  if (!answer) return response.writeHead(404).end();
  send(response, request.url === '/stored' ? answer.bytes : Buffer.from(JSON.stringify(answer.object)));
});

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, bytes: Buffer) {
  response.writeHead(200, {
    'content-type': 'application/graphql-response+json; charset=utf-8',
    'content-length': bytes.byteLength,
  });
  response.end(bytes);
}

server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql\n`);
});
