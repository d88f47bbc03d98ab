// Requests side by side and one after the other: nobody is told what is another's, and what has changed shows at once.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { personId } from '../../src/sandbox/seed.ts';
import { SEED } from '../support/random-cases.ts';
import { type Ask, type Header, post, rawAsk } from './asks.ts';
import {
  askAll,
  compare,
  type Difference,
  differencesLeft,
  differencesOf,
  expectNone,
  withoutNewIds,
} from './compare.ts';
import { as, isQuery, OPERATIONS } from './operations-corpus.ts';
import { openSiblings, type Siblings } from './siblings.ts';
import { openWire } from './wire.ts';

const TOLD = { token: 'demo-callback-token-001', path: '/hooks/follow' };
const VIEWERS: readonly Header[][] = [[], [as(personId(1))], [as(personId(2))], [as('hermit')], [as('UserID_001')]];
/** Whole answers to nobody in particular are kept of trusted documents. */
const WITH_ANSWERS_KEPT = { TRUSTED_DOCUMENTS: 'log' };
/** Names of headers are the same in small letters and in large ones. */
const HEADER_NAME = /^[\w-]+(?=: )/gm;
const lower = (name: string): string => name.toLowerCase();

const QUERIES = OPERATIONS.filter(isQuery);
const ALL: readonly Ask[] = QUERIES.flatMap(({ name, query }) =>
  VIEWERS.flatMap((headers) =>
    [1, 3, 20].map((first) => post(`${name} ${headers} ${first}`, { query, variables: { first } }, headers)),
  ),
);
const BODY = JSON.stringify({ query: '{ viewer { id nick } }' });

/** Sends many at once, each on a connection of its own; answers the differences. */
async function compareTogether(siblings: Siblings, asks: readonly Ask[]): Promise<Difference[]> {
  const given = await Promise.all(
    siblings.all.map(async ({ house }) => {
      const answers = asks.map(({ request, method }) => openWire(house.url).send(request, method).answer);
      return (await Promise.all(answers)).map(({ status, body }) => `${status} ${body}`);
    }),
  );
  await siblings.quiet();
  return asks.flatMap(({ name }, at) =>
    differencesOf(
      siblings,
      given.map((answers) => answers[at] ?? ''),
      () => `${name}, among ${asks.length} at once`,
    ),
  );
}

test('a request that many send at once is answered alike to all, and for as few calls', async () => {
  const siblings = await openSiblings({ env: WITH_ANSWERS_KEPT });
  const differences: Difference[] = [];
  for (const asked of ALL.filter((_, at) => at % 9 === 0)) {
    differences.push(...(await compareTogether(siblings, Array<Ask>(12).fill(asked))));
    siblings.clock.advance(31_000);
  }
  expectNone([...differences, ...(await differencesLeft(siblings))]);
});

test('one document with many variables, for many viewers at once, tells each what is theirs', async () => {
  const siblings = await openSiblings({ env: WITH_ANSWERS_KEPT });
  const differences: Difference[] = [];
  for (let round = 0; round < 4; round++) {
    differences.push(...(await compareTogether(siblings, ALL)));
    siblings.clock.advance(16_000);
  }
  expectNone([...differences, ...(await differencesLeft(siblings))]);
});

test('in any order of documents, viewers and changes all ways tell the same, and each viewer what is theirs', async () => {
  const env = { ...WITH_ANSWERS_KEPT, LIST_VISIBILITY: 'fans=self,follows=public,mutuals=authenticated' };
  const siblings = await openSiblings({ env });
  const change = (field: string, headers: readonly Header[]) =>
    post(`${field} ${headers}`, { query: changeOf(field, [personId(2), personId(9), 'UserID_001']) }, headers);
  const changes = VIEWERS.flatMap((headers) => [change('followUsers', headers), change('unfollowUsers', headers)]);
  const next = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...ALL) }, fc.constantFrom(...changes));
  const asks = fc.sample(next, { numRuns: 400, seed: SEED });
  expectNone([...(await compare(siblings, asks, { times: 1, stepMs: 700 })), ...(await differencesLeft(siblings))]);
});

function changeOf(field: string, userIds: readonly string[]): string {
  return `mutation { ${field}(input: { userIds: ${JSON.stringify(userIds)} }) { results { __typename } viewer { followsCount } } }`;
}

test('what a viewer has changed shows in the next answer of all ways', async () => {
  const siblings = await openSiblings({ env: WITH_ANSWERS_KEPT });
  const headers = [as(personId(5))];
  const user = `user(id: "hermit") { fansCount viewerIsFollowing fans { totalCount nodes { id } } }`;
  const asks = [
    post('as a viewer', { query: `{ ${user} viewer { followsCount } }` }, headers),
    post('as nobody', { query: `{ ${user} }` }),
  ];
  const differences = await compare(siblings, asks, { times: 4 });
  const before = await askAll(siblings, asks[1] as Ask);
  for (const field of ['followUsers', 'unfollowUsers', 'followUsers']) {
    const changed = await compare(siblings, [post(field, { query: changeOf(field, ['hermit']) }, headers)], {
      times: 1,
    });
    differences.push(...changed, ...(await compare(siblings, asks, { times: 4 })));
  }
  for (const answer of await askAll(siblings, asks[1] as Ask)) {
    expect(answer).toContain(`"fans":{"totalCount":1,"nodes":[{"id":"${personId(5)}"}]}`);
    expect(before).not.toContain(answer);
  }
  expectNone([...differences, ...(await differencesLeft(siblings))]);
});

test('what a webhook tells shows in the next answer of all ways', async () => {
  const siblings = await openSiblings({
    env: { ...WITH_ANSWERS_KEPT, WEBHOOK_TOKEN: TOLD.token, WEBHOOK_PATH: TOLD.path },
  });
  for (const { house } of siblings.all)
    house.sandbox.webhooks.connect({ url: house.url + TOLD.path, token: TOLD.token });
  const differences = await compare(siblings, ALL, { times: 2 });
  const asked = post('a name', {
    query: `{ user(id: "${personId(2)}") { nick fansCount fans(first: 1) { nodes { id nick } } } }`,
  });
  differences.push(...(await compare(siblings, [asked], { times: 4 })));
  for (const { house } of siblings.all) {
    house.sandbox.act.setProfile(personId(2), { Tag_Profile_IM_Nick: 'Renamed' });
    house.sandbox.act.follow(personId(77), personId(2), Math.floor(siblings.clock.now() / 1000));
  }
  await Promise.all(siblings.all.map(({ house }) => house.sandbox.webhooks.settled()));
  await siblings.quiet();
  const answers = await askAll(siblings, asked);
  for (const answer of answers) expect(answer).toContain(`"nick":"Renamed"`);
  for (const answer of answers) expect(answer).toContain(`"nodes":[{"id":"${personId(77)}"`);
  differences.push(...(await compare(siblings, ALL, { times: 2 })));
  expectNone([...differences, ...(await differencesLeft(siblings))]);
});

test('requests in one go are answered in their order by all ways', async () => {
  const siblings = await openSiblings({ env: WITH_ANSWERS_KEPT });
  const asks = ALL.filter((_, at) => at % 2 === 0).slice(0, 60);
  const last = rawAsk('the last', 'GET /health/live HTTP/1.1\r\nhost: gateway\r\nconnection: close');
  const bytes = Buffer.concat([...asks, last].map(({ request }) => request));
  const differences: Difference[] = [];
  for (let round = 0; round < 3; round++) {
    const received = await Promise.all(siblings.all.map(({ wire }) => wire.exchange(bytes)));
    const given = received.map((text) =>
      withoutNewIds(text, '')
        .replace(/^date: .*$/gim, '')
        .replace(HEADER_NAME, lower),
    );
    expect(given[0]?.match(/HTTP\/1\.1 200/g)).toHaveLength(asks.length + 1);
    differences.push(...differencesOf(siblings, given, () => 'requests in one go'));
  }
  expectNone([...differences, ...(await differencesLeft(siblings))]);
});

test('clients that go away in the middle of a body, or of an answer, leave the same behind in all ways', async () => {
  const siblings = await openSiblings({ env: WITH_ANSWERS_KEPT });
  const whole = post('who asks', JSON.parse(BODY), [as(personId(6))]);
  await compare(siblings, [whole], { times: 3 });
  const half = { ...whole, name: 'half a body', request: whole.request.subarray(0, -10), isOpen: true };
  const differences = await compare(siblings, [half, whole], { times: 3 });
  // Nothing that is remembered: the answer is waited for while its client leaves.
  siblings.clock.advance(7 * 86_400_000);
  for (const { house } of siblings.all) house.sandbox.faults.set({ silence: true });
  differences.push(...(await compare(siblings, [{ ...whole, name: 'left', isOpen: true }], { times: 3 })));
  for (const { house } of siblings.all) house.sandbox.faults.reset();
  siblings.clock.advance(60_000);
  differences.push(...(await compare(siblings, [whole], { times: 3, timePasses: true })));
  expectNone([...differences, ...(await differencesLeft(siblings))]);
});
