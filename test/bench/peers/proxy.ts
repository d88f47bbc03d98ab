// What any server in Node has to do for the same answers when it knows nothing: read the body, ask the upstream for the
// page, parse it, shape the answer, stringify it, send it. It checks nothing, remembers nothing and signs nothing.
// `/graphql` asks by undici's `Pool.request`, `/dispatch` by `Pool.dispatch`, which makes no stream of the answer.
import { createServer } from 'node:http';
import { type Dispatcher, Pool } from 'undici';
import type { FollowGetResponse, WireFollowItem, WireProfileItem } from '../../../src/tencent/wire.ts';
import { announce, type Edge } from './pages.ts';

type Asked = { variables: { id: string; first: number } };

const pool = new Pool(process.env.UPSTREAM ?? '', { connections: 64, pipelining: 1 });
const PATH =
  '/v4/follow/follow_get?sdkappid=1400000000&identifier=administrator&usersig=none&random=1&contenttype=json';
const headers = { 'content-type': 'application/json', accept: 'application/json' };
const TYPE = 'application/graphql-response+json; charset=utf-8';

function bodyFor(id: string): string {
  return JSON.stringify({ From_Account: id, FollowType: 1, StartCursor: '', WantNum: 100 });
}

async function request(body: string): Promise<string> {
  const answer = await pool.request({ method: 'POST', path: PATH, headers, body });
  return answer.body.text();
}

function dispatch(body: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart() {},
    onResponseStart() {},
    onResponseData: (_controller, chunk) => void chunks.push(chunk),
    onResponseEnd: () =>
      resolve((chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)).toString('utf8')),
    onResponseError: (_controller, error) => reject(error),
  };
  pool.dispatch({ method: 'POST', path: PATH, headers, body }, handler);
  return promise;
}

function tagOf(items: readonly WireProfileItem[], tag: string): string | null {
  const found = items.find((item) => item.Tag === tag);
  return found ? String(found.Value) : null;
}

/** A cursor that names the same as the gateway's does, unsigned. */
function cursorOf({ To_Account: id, FollowTime: time }: WireFollowItem, index: number): string {
  return Buffer.from(`${index}|${time}|${id}|`).toString('base64url');
}

function edgeOf(item: WireFollowItem, index: number): Edge {
  const tags = item.ProfileItem ?? [];
  return {
    cursor: cursorOf(item, index),
    followedAt: `${new Date(item.FollowTime * 1000).toISOString().slice(0, -5)}Z`,
    node: {
      id: item.To_Account,
      nick: tagOf(tags, 'Tag_Profile_IM_Nick') ?? '',
      avatar: tagOf(tags, 'Tag_Profile_IM_Image'),
    },
  };
}

function shape({ FollowItem: items = [], NextCursor: next }: FollowGetResponse, first: number): object {
  const edges = items.slice(0, first).map(edgeOf);
  const hasNextPage = items.length > first || next !== '';
  return { data: { user: { fans: { edges, pageInfo: { hasNextPage, endCursor: edges.at(-1)?.cursor ?? null } } } } };
}

const server = createServer((incoming, response) => {
  let text = '';
  incoming.setEncoding('utf8');
  incoming.on('data', (more: string) => {
    text += more;
  });
  incoming.on('end', async () => {
    const { variables } = JSON.parse(text) as Asked;
    const ask = incoming.url === '/dispatch' ? dispatch : request;
    const page = JSON.parse(await ask(bodyFor(variables.id))) as FollowGetResponse;
    const json = JSON.stringify(shape(page, variables.first));
    response.writeHead(200, { 'content-type': TYPE, 'content-length': Buffer.byteLength(json) });
    response.end(json);
  });
});
server.keepAliveTimeout = 65_000;
server.listen(0, '127.0.0.1', () => announce(server));
