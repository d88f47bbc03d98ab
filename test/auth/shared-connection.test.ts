// Proxies send many viewers' requests over one connection: no answer may be another viewer's.
import { Readable } from 'node:stream';
import { Client } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import { openGateway } from '../support/gateway.ts';

const REQUESTS = 2000;
const QUERY = '{ viewer { id } user(id: "star") { viewerIsFollowing } }';

/** A body in pieces, each in a turn of its own. */
async function* inPieces(body: string) {
  for (const piece of body.match(/.{1,40}/g) ?? []) {
    yield piece;
    await new Promise(setImmediate);
  }
}

test('two viewers take turns on one connection 2,000 times, and never see the other’s state', async () => {
  const gateway = await openGateway({ env: { AUTH: 'development' } });
  for (const id of ['ann', 'bob', 'star']) gateway.sandbox.world.importAccount(id);
  gateway.sandbox.world.follow('ann', 'star');
  const connections: unknown[] = [];
  const client = new Client(gateway.url, { pipelining: 1 });
  client.on('connect', (origin) => connections.push(origin));
  onTestFinished(() => client.destroy());

  for (let n = 0; n < REQUESTS; n++) {
    const id = n % 2 === 0 ? 'ann' : 'bob';
    const query = n % 3 === 0 ? `${QUERY} # ${n}` : QUERY;
    const headers = { 'x-viewer-id': id, 'content-type': 'application/json' };
    const body = JSON.stringify({ query });
    const { body: answer } = await client.request(
      n % 4 < 2
        ? { method: 'GET', path: `/graphql?query=${encodeURIComponent(query)}`, headers: { 'x-viewer-id': id } }
        : { method: 'POST', path: '/graphql', headers, body: n % 8 < 4 ? body : Readable.from(inPieces(body)) },
    );
    const { data } = (await answer.json()) as { data: unknown };
    const expected = { viewer: { id }, user: { viewerIsFollowing: id === 'ann' } };
    if (JSON.stringify(data) !== JSON.stringify(expected)) expect({ n, data }).toEqual({ n, data: expected });
  }
  expect(connections).toHaveLength(1);
});
