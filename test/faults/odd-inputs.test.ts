// Inputs that no client means to send, each with its right answer: what the upstream may say, and what clients may ask.
import { describe, expect, test } from 'vitest';
import type { FaultPatch } from '../../src/sandbox/faults.ts';
import { bugs, codesOf, get, post } from '../http/requests.ts';
import { createHastyClock } from '../support/clock.ts';
import { type Answer, openGateway } from '../support/gateway.ts';
import { only, scrape } from '../telemetry/scrape.ts';

const CROWD = [
  { followedAt: '2020-09-13T12:26:41Z', node: { id: 'crowd_000002' } },
  { followedAt: '2020-09-13T12:26:40Z', node: { id: 'crowd_000001' } },
];
const PROFILE = `{ user(id: "anna") {
  nick level customFields { value } items: profileItems(tags: ["Tag_Profile_IM_Nick", "Tag_Profile_IM_Level"]) { value }
} }`;
const COUNTS = '{ user(id: "anna") { fansCount followsCount mutualsCount fans { totalCount } } }';
const LIST = '{ user(id: "anna") { fans { edges { followedAt node { id } } } } }';

/** Anna has a profile and two fans; the upstream's answers are rewritten on their way. */
async function openOdd(faults: FaultPatch = {}, env: Record<string, string> = {}) {
  const settings = { PROFILE_CUSTOM_FIELDS: 'Team', METRICS_PORT: '0', AUTH: 'development', ...env };
  const gateway = await openGateway({ env: settings, clock: createHastyClock() });
  const { world, faults: switches } = gateway.sandbox;
  const profile = { Tag_Profile_IM_Nick: 'Anna', Tag_Profile_IM_Level: 7, Tag_Profile_Custom_Team: 'blue' };
  world.importAccount('anna', profile);
  world.addFans('anna', 2);
  switches.set(faults);
  return gateway;
}

/** What a query answers when the upstream's JSON says `said` in place of `usual`. */
async function answerTo(query: string, usual: string, said: string): Promise<Record<string, unknown>> {
  const gateway = await openOdd({ rewrite: { pattern: usual, with: said } });
  const response = await gateway.send(query);
  const text = await response.text();
  // A lone half of a character would leave as an escape, which parsers outside of JavaScript refuse.
  expect(text).not.toMatch(/\\ud[89a-f]/i);
  const { data, errors } = JSON.parse(text) as Answer;
  expect(errors).toBeUndefined();
  expect(bugs(gateway)).toEqual([]);
  return data?.user as Record<string, unknown>;
}

describe('a profile in which the upstream says', () => {
  test.each<[said: string, nick: string | null]>([
    ['"a\\ud83d"', 'a\ufffd'],
    ['"\\udc00b"', '\ufffdb'],
    ['"\\udc00\\ud83d"', '\ufffd\ufffd'],
    ['"\\ud83d\\ude00"', '😀'],
    ...['null', 'true', 'false', '["Anna"]', '{"nick":"Anna"}'].map((said): [string, null] => [said, null]),
  ])('%s for a nick', async (said, nick) => {
    const { nick: shown, items } = (await answerTo(PROFILE, '"Anna"', said)) as { nick: unknown; items: unknown };
    expect(shown).toBe(nick);
    expect(items).toEqual(nick === null ? [{ value: 7 }] : [{ value: nick }, { value: 7 }]);
  });

  test.each<[said: string, level: number | null, item: unknown]>([
    ['1e400', null, undefined],
    ['-1e400', null, undefined],
    ['9007199254740993', null, '9007199254740993'],
    ['-12345678901234567890', null, '-12345678901234567890'],
    ['4294967295', null, 4294967295],
    ['1e16', null, 1e16],
    ['7.5', null, 7.5],
  ])('%s for a level', async (said, level, item) => {
    const shown = await answerTo(PROFILE, '"Value":7', `"Value":${said}`);
    expect(shown).toMatchObject({ nick: 'Anna', level });
    expect(shown.items).toEqual([{ value: 'Anna' }, ...(item === undefined ? [] : [{ value: item }])]);
  });

  test.each<[said: string, value: string | null]>([
    ['"b\\udbff"', 'b\ufffd'],
    ['9007199254740993', '9007199254740993'],
    ['18446744073709551615', '18446744073709551615'],
    ['42', '42'],
    ['null', null],
  ])('%s for a field of the app’s own', async (said, value) => {
    const { customFields } = await answerTo(PROFILE, '"blue"', said);
    expect(customFields).toEqual(value === null ? [] : [{ value }]);
  });
});

const NO_COUNTS = ['2147483648', '-1', '1.5', '"2"', 'null', '1e400', '9007199254740993', 'true'];
test.each(NO_COUNTS)('a count of %s is null, and the others stay', async (said) => {
  expect(await answerTo(COUNTS, '"FollowerCount":2', `"FollowerCount":${said}`)).toEqual({
    fansCount: null,
    followsCount: 0,
    mutualsCount: 0,
    fans: { totalCount: null },
  });
});

describe('a member whose follow began', () => {
  test.each<[said: string, followedAt: string | null]>([
    ['1600000001000', '2020-09-13T12:26:41Z'],
    ['1600000001999', '2020-09-13T12:26:41Z'],
    ...['160000000100', '16000000010000', '253402300800000000000', '-1600000001', '1600000001.5', '"1600000001"']
      .concat('1e400', 'null', '{}')
      .map((said): [string, null] => [said, null]),
  ])('at %s keeps its place', async (said, followedAt) => {
    const { fans } = await answerTo(LIST, '"FollowTime":1600000001', `"FollowTime":${said}`);
    expect(fans).toEqual({ edges: [{ ...CROWD[0], followedAt }, CROWD[1]] });
  });

  test('at no time that can be read can be resumed after, and its page is kept', async () => {
    const gateway = await openOdd({ rewrite: { pattern: '"FollowTime":1600000001', with: '"FollowTime":null' } });
    const query = (after: string) =>
      `{ user(id: "anna") { fans(first: 1${after}) { edges { cursor node { id } } pageInfo { hasNextPage } } } }`;
    type Page = { user: { fans: { edges: { cursor: string; node: { id: string } }[] } } };
    const head = (await gateway.data<Page>(query(''))).user.fans.edges[0];
    const next = await gateway.data<Page>(query(`, after: "${head?.cursor}"`));
    expect([head?.node.id, next.user.fans.edges[0]?.node.id]).toEqual(['crowd_000002', 'crowd_000001']);
    expect(gateway.sandbox.calls.count('follow_get')).toBe(1);
  });
});

test('a block is shown, whatever time is told of it', async () => {
  const gateway = await openOdd({
    rewrite: { pattern: '"AddBlackTimeStamp":\\d+', with: '"AddBlackTimeStamp":"1600000001"' },
  });
  gateway.sandbox.world.setBlocked('anna', 'crowd_000001', true);
  const edges = [{ blockedAt: null, node: { id: 'crowd_000001' } }];
  expect(await gateway.as('anna').data('{ blockedUsers { edges { blockedAt node { id } } } }')).toEqual({
    blockedUsers: { edges },
  });
});

describe('a list of which a member is', () => {
  const MEMBER = '\\{"To_Account":"crowd_000002".*?"profile_sequence":\\d+\\}';
  test.each([
    ...['null', '7', '"crowd_000002"', '[]', '{}', '{"To_Account":7}', '{"To_Account":""}', '{"To_Account":null}'],
    ...['a b', 'a:b', 'a{b', 'b}', 'a\\u0007b', '\\u00a0', 'ä'.repeat(17)].map((id) => `{"To_Account":"${id}"}`),
  ])('%s shows the others; it is reported once, and counted', async (said) => {
    const gateway = await openOdd({ rewrite: { pattern: MEMBER, with: said } });
    for (let n = 0; n < 2; n++) {
      expect(await gateway.data(`${LIST} # ${n}`)).toEqual({ user: { fans: { edges: [CROWD[1]] } } });
      await gateway.data('{ user(id: "anna") { follows { nodes { id } } } }');
    }
    expect(gateway.logLines.filter((line) => line.includes('cannot be read'))).toHaveLength(1);
    expect(only(await scrape(gateway), 'odd_entries_total')).toMatchObject({ '{oddity="no account"}': 1 });
  });

  test('half a character shows it with U+FFFD', async () => {
    const { fans } = await answerTo(LIST, '"crowd_000002"', '"crowd\\ud83d"');
    expect(fans).toMatchObject({ edges: [{ node: { id: 'crowd\ufffd' } }, CROWD[1]] });
  });
});

describe('a client that sends', () => {
  const FOLLOW =
    'mutation ($a: FollowUsersInput!) { followUsers(input: $a) { results { ... on FollowFailure { userId reason message } } } }';
  const BY_FIRST = 'query ($a: Int) { user(id: "a") { fans(first: $a) { totalCount } } }';
  test.each<[title: string, query: string, a: unknown, more?: object]>([
    ['as an id', 'query ($a: ID!) { user(id: $a) { id } }', 'a\ud83d'],
    ['as an id that a pattern would take', 'query ($a: ID!) { node(id: $a) { id } }', '\udc00'],
    ['as whom to follow', FOLLOW, { userIds: ['\ud83d'] }],
    ['as an operation’s name', '{ __typename }', null, { operationName: 'A\ud83d' }],
    ['as a number', BY_FIRST, '\udfff'],
    ['as a cursor', 'query ($a: String) { user(id: "a") { fans(after: $a) { totalCount } } }', '\ud83d'],
    ['as whom to search for', 'query ($a: String!) { searchUsers(text: $a) { nodes { id } } }', 'ann\ud83d'],
    ['where a message is cut', BY_FIRST, '😀'.repeat(600)],
    ['as a parameter', '{ __typename }', null, { '\ud83d': 1 }],
    ['as a field of an input', FOLLOW, { userIds: [], '\ud83d': 1 }],
  ])('half a character %s reads no such half', async (_title, query, a, more) => {
    const body = { query, variables: { a }, ...more };
    const gateway = await openOdd({}, { USER_ID_PATTERN: '.+', USER_SEARCH: 'on' });
    const response = await post(gateway, JSON.stringify(body), 'application/json', { 'x-viewer-id': 'anna' });
    const text = await response.text();
    expect(text).toMatch(/INVALID_ID|BAD_REQUEST|BAD_USER_INPUT|INVALID_CURSOR|OPERATION_RESOLUTION_FAILURE/);
    // Escaped within a text of ours it is no half of a character any more.
    expect(text.replaceAll('\\\\ud', '')).not.toMatch(/\\ud[89a-f]/i);
    expect(bugs(gateway)).toEqual([]);
    expect(gateway.sandbox.calls.count()).toBe(0);
  });

  test.each(['\uFEFF{"query":"{ __typename }"}', '{"query":"query A { __typename }","operationName":null}'])(
    'a byte order mark, or an operation name of null, is answered: %s',
    async (body) => {
      expect(await (await post(await openOdd(), body)).json()).toEqual({ data: { __typename: 'Query' } });
    },
  );

  test.each([
    ['{ __typename }', []],
    ['query A { __typename }', []],
    ['query A { __typename } query B { __typename }', ['OPERATION_RESOLUTION_FAILURE']],
  ])('an empty operation name for "%s" gets the same by GET as by POST', async (query, codes) => {
    const gateway = await openOdd();
    for (const response of [
      await post(gateway, JSON.stringify({ query, operationName: '' })),
      await get(gateway, { query, operationName: '' }),
    ])
      expect(codesOf((await response.json()) as Answer)).toEqual(codes);
  });
});

test.each([
  ['a profile', 'user(id: "ghost") { nick }'],
  ['a count', 'user(id: "ghost") { fansCount }'],
  ['a list', 'user(id: "ghost") { fans { nodes { id } } }'],
  ['a relation', 'viewer { relationTo(userId: "ghost") }'],
])(
  '%s of nobody says so in the same words when it is found out and when it is known, and a handle never does',
  async (_what, field) => {
    const gateway = (await openOdd()).as('anna');
    const unfound = [{ message: 'There is no account "ghost".', extensions: { code: 'USER_NOT_FOUND' } }];
    const first = await gateway.query(`{ ${field} }`);
    expect(first.errors).toMatchObject(unfound);
    const { data, errors } = await gateway.query(`{ ${field} }`);
    expect([data, errors?.map(({ path }) => path)]).toEqual([first.data, first.errors?.map(({ path }) => path)]);
    expect(errors).toMatchObject(unfound);
    const handles = 'user(id: "ghost") { id } node(id: "ghost") { id } users(ids: ["ghost", "anna"]) { id }';
    const ghost = { id: 'ghost' };
    expect(await gateway.data(`{ ${handles} }`)).toEqual({ user: ghost, node: ghost, users: [ghost, { id: 'anna' }] });
  },
);

const CHANGES = ['followUsers', 'unfollowUsers', 'removeFans', 'blockUsers', 'unblockUsers'];
test.each(CHANGES)('%s calls somebody who is not there by their id', async (field) => {
  const gateway = (await openOdd()).as('anna');
  const failure = `... on ${field.includes('block') ? 'Block' : 'Follow'}Failure { reason message }`;
  const query = `mutation { done: ${field}(input: { userIds: ["ghost"] }) { results { ${failure} } } }`;
  const results = [{ reason: 'USER_NOT_FOUND', message: 'There is no account "ghost".' }];
  expect(await gateway.data(query)).toEqual({ done: { results } });
});

const NO_CODES = ['-1', '1e400', '"0"', '0.5', 'null', '99999999999999999999', '[0]', '4711'];
test.each(NO_CODES)('an ErrorCode of %s is a sentence and a code, and the rest is answered', async (said) => {
  const rewrite = { pattern: '"ErrorCode":0', with: `"ErrorCode":${said}`, commands: ['portrait_get' as const] };
  const { data, errors } = await (await openOdd({ rewrite })).query('{ user(id: "anna") { nick fansCount } }');
  expect(data).toEqual({ user: { nick: null, fansCount: 2 } });
  expect(errors).toMatchObject([{ path: ['user', 'nick'], extensions: { code: 'UPSTREAM_UNAVAILABLE' } }]);
  expect(errors?.[0]?.message).toMatch(/^[A-Z][a-z ]+\.( Try again in a moment\.)?$/);
});
