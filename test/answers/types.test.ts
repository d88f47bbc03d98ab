// The type of a kept answer: the one that was negotiated for what its client accepts, and the bytes that go with it.
import { expect, test } from 'vitest';
import { askUntilKept, FANS, isKept, openKeeping } from './keeping.ts';

const BODY = { query: FANS, variables: { userId: 'star' } };
const NICK = '签名 é 👩‍👩‍👧 ÿ';

async function openStar(env: Record<string, string> = {}) {
  const house = await openKeeping({ env });
  house.sandbox.world.addFans('star', 30);
  house.sandbox.world.setProfile('star', { Tag_Profile_IM_Nick: NICK });
  return house;
}

const post = ({ url }: { url: string }, headers: Record<string, string>) =>
  fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(BODY),
  });

const ACCEPTED = [
  '*/*',
  'application/json',
  'application/graphql-response+json',
  'application/graphql-response+json, application/json',
  'application/json;q=0.5, application/graphql-response+json',
  'application/graphql-response+json;q=0.5, application/json',
  'application/graphql-response+json;charset=utf-8',
  'application/*',
  'text/html, */*;q=0.1',
];

test('each client gets the type that it accepts, whichever way it is answered, and whoever asked before', async () => {
  const house = await openStar();
  const slow = await openStar({ HOT_PATH: 'off' });
  const texts = new Set<string>();
  for (let times = 0; times < 4; times++) {
    for (const accept of ACCEPTED) {
      const [answer, long] = [await post(house, { accept }), await post(slow, { accept })];
      expect([accept, answer.headers.get('content-type')]).toEqual([accept, long.headers.get('content-type')]);
      for (const each of [answer, long]) texts.add(await each.text());
    }
  }
  expect(texts.size).toBe(1);
  expect([...texts][0]).toContain(NICK);
  expect(await isKept(house, BODY)).toBe(true);
});

test('what no answer fits is refused although one is kept', async () => {
  const house = await openStar();
  await askUntilKept(house, BODY);
  for (let times = 0; times < 4; times++) {
    const response = await post(house, { accept: 'text/html' });
    expect(response.status).toBe(406);
    await response.text();
  }
});

test.each(['text/event-stream', 'multipart/mixed'])('a client of %s gets its parts each time', async (accept) => {
  const house = await openStar();
  await askUntilKept(house, BODY);
  for (let times = 0; times < 4; times++) {
    const response = await post(house, { accept });
    expect(response.headers.get('content-type')).toContain(accept);
    expect(await response.text()).toContain(NICK);
  }
});

test('a header that is very long is answered as ever', async () => {
  const house = await openStar();
  const accept = `${'a/b, '.repeat(200)}application/json`;
  for (let times = 0; times < 4; times++) {
    const response = await post(house, { accept });
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      expect.stringContaining('application/json'),
    ]);
    await response.text();
  }
});

test('more kinds of clients than are remembered are each answered right', async () => {
  const house = await openStar();
  for (let n = 0; n < 300; n++) {
    const type = n % 2 === 0 ? 'application/json' : 'application/graphql-response+json';
    const response = await post(house, { accept: `x/${n % 150}, ${type}` });
    expect(response.headers.get('content-type')).toContain(type);
    await response.text();
  }
});

test('a type that was learned from GET is right for POST', async () => {
  const house = await openStar();
  const slow = await openStar({ HOT_PATH: 'off' });
  for (const accept of ACCEPTED) {
    const params = new URLSearchParams({ query: FANS, variables: JSON.stringify(BODY.variables) });
    const learned = await fetch(`${house.url}/graphql?${params}`, { headers: { accept } });
    const [response, long] = [await post(house, { accept }), await post(slow, { accept })];
    expect([accept, response.headers.get('content-type')]).toEqual([accept, long.headers.get('content-type')]);
    for (const each of [learned, response, long]) await each.text();
  }
});

test('compressed or not, a kept answer is the same text', async () => {
  const house = await openStar({ COMPRESSION: 'on' });
  const texts = new Set<string>();
  for (let times = 0; times < 4; times++) {
    for (const [encoding, expected] of [
      ['gzip', 'gzip'],
      ['identity', null],
      ['gzip;q=0', null],
    ] as const) {
      const response = await post(house, { 'accept-encoding': encoding });
      expect(response.headers.get('content-encoding')).toBe(expected);
      expect(response.headers.get('vary')).toContain('accept-encoding');
      texts.add(await response.text());
    }
  }
  expect(texts.size).toBe(1);
  expect([...texts][0]).toContain(NICK);
});
