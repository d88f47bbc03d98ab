import { expect, test } from 'vitest';
import { callCounts } from '../support/gateway.ts';
import { operatorOf, startRedis } from '../support/redis.ts';
import { codesOf, openTwo, openWorld } from './world.ts';

/** Mina, who has set every field, and follows ben. */
async function openMina(customFields?: string, more: Record<string, string | number> = {}, redis = {}) {
  const env: Record<string, string> = customFields ? { PROFILE_CUSTOM_FIELDS: customFields, ...redis } : {};
  const gateway = await openWorld({ people: ['mina', 'ben'], follows: ['mina ben'], env });
  gateway.world.setProfile('mina', { ...TAGS, ...more });
  return gateway;
}

const EVERY_FIELD = `
  nick avatar gender birthday location selfSignature language level role allowType adminForbidType messageSettings
  customFields { key value }
  profileItems { tag value }
`;
/** Each field: as the upstream keeps it, and as clients are shown it. */
const FIELDS = [
  ['nick', 'IM_Nick', 'Mina Ω 🐱', 'Mina Ω 🐱'],
  ['avatar', 'IM_Image', 'https://img.example.com/u/14.png', 'https://img.example.com/u/14.png'],
  ['gender', 'IM_Gender', 'Gender_Type_Female', 'FEMALE'],
  ['birthday', 'IM_BirthDay', 19990412, '1999-04-12'],
  ['location', 'IM_Location', 'Osaka', 'Osaka'],
  ['selfSignature', 'IM_SelfSignature', 'hello', 'hello'],
  ['language', 'IM_Language', 4, 4],
  ['level', 'IM_Level', 7, 7],
  ['role', 'IM_Role', 2, 2],
  ['allowType', 'IM_AllowType', 'AllowType_Type_NeedConfirm', 'NEED_CONFIRM'],
  ['adminForbidType', 'IM_AdminForbidType', 'AdminForbid_Type_SendOut', 'SEND_OUT'],
  ['messageSettings', 'IM_MsgSettings', 1, 1],
  ['customFields', 'Custom_Team', 'blue', [{ key: 'Team', value: 'blue' }]],
] as const;
const TAGS: Record<string, string | number> = Object.fromEntries(
  FIELDS.map(([, tag, kept]) => [`Tag_Profile_${tag}`, kept]),
);
const TYPED = Object.fromEntries(FIELDS.map(([field, , , shown]) => [field, shown]));
const itemsOf = (tags: object) => expect.arrayContaining(Object.entries(tags).map(([tag, value]) => ({ tag, value })));

test('every profile field has its type, the same from a list, from portrait_get, and from Redis', async () => {
  const { url } = await startRedis();
  const gateway = await openMina('Team,Mood', {}, { REDIS_URL: url, REDIS_TIMEOUT_MS: '5000' });
  const query = `{ user(id: "mina") { ${EVERY_FIELD} } ben: user(id: "ben") { fans { nodes { ${EVERY_FIELD} } } } }`;
  const user = { ...TYPED, profileItems: itemsOf(TAGS) };
  const expected = { user, ben: { fans: { nodes: [user] } } };
  expect(await gateway.data(query)).toEqual(expected);
  // Redis has them some time after the answer.
  for (let isShared = false; !isShared; ) {
    const other = await gateway.openReplica();
    gateway.sandbox.calls.reset();
    expect(await other.data(query)).toEqual(expected);
    isShared = gateway.sandbox.calls.count() === 0;
  }
});

test('values that this version cannot read are null in their field and raw in profileItems', async () => {
  const odd = {
    Tag_Profile_IM_Image: 'not a url',
    Tag_Profile_IM_Gender: 'Gender_Type_Other',
    Tag_Profile_IM_BirthDay: 20230230,
    Tag_Profile_IM_AllowType: 'AllowType_Type_New',
    Tag_Profile_IM_AdminForbidType: 'AdminForbid_Type_New',
    Tag_Profile_IM_Level: 4_000_000_000,
    Tag_Profile_IM_Unheard: 'of',
  };
  const gateway = await openWorld({ people: ['odd', 'ben'], follows: ['odd ben'] });
  gateway.world.setProfile('odd', odd);
  const fields = ['nick', 'avatar', 'gender', 'birthday', 'allowType', 'adminForbidType', 'level'];
  const query = `{ user(id: "ben") { fans { nodes { ${fields.join(' ')} profileItems { tag value } } } } }`;
  const shown = { ...Object.fromEntries(fields.map((field) => [field, null])), profileItems: itemsOf(odd) };
  expect(await gateway.data(query)).toEqual({ user: { fans: { nodes: [shown] } } });
});

test('customFields and profileItems take the keys and tags that are wanted', async () => {
  const gateway = await openMina('Team,Mood', { Tag_Profile_Custom_Mood: 'calm' });
  const query =
    '{ user(id: "mina") { customFields(keys: ["Mood"]) { key value } none: customFields(keys: []) { key } profileItems(tags: ["Tag_Profile_IM_Nick"]) { tag value } } }';
  expect(await gateway.data(query)).toEqual({
    user: {
      customFields: [{ key: 'Mood', value: 'calm' }],
      none: [],
      profileItems: [{ tag: 'Tag_Profile_IM_Nick', value: 'Mina Ω 🐱' }],
    },
  });
});

test('a configured field that the app does not have is UPSTREAM_MISCONFIGURED naming it, and takes no other down', async () => {
  const gateway = await openMina('Team,Nope');
  const answer = await gateway.query(
    '{ user(id: "mina") { nick team: customFields(keys: ["Team"]) { value } all: customFields { value } nope: customFields(keys: ["Nope"]) { value } } }',
  );
  const team = [{ value: 'blue' }];
  expect(answer.data).toEqual({ user: { nick: 'Mina Ω 🐱', team, all: team, nope: null } });
  expect(codesOf(answer)).toEqual(['user nope UPSTREAM_MISCONFIGURED']);
  expect(answer.errors?.[0]?.message).toContain('Nope');
  expect(gateway.logLines.some((line) => line.includes('Tag_Profile_Custom_Nope'))).toBe(true);
});

test('one unknown account nulls its own fields with USER_NOT_FOUND at their paths; the others answer', async () => {
  const gateway = await openWorld({ env: { PRESENCE_VISIBILITY: 'public' }, follows: ['anna bert'] });
  gateway.world.addFans('star', 3);
  const ids = ['star', 'ghost', 'crowd_000001'];
  const query = `{
    users(ids: ${JSON.stringify(ids)}) { id nick fansCount fans(first: 1) { nodes { id } } presence { status } }
    viewer { bert: relationTo(userId: "bert") ghost: relationTo(userId: "ghost") odd: relationTo(userId: "no body") }
    _entities(representations: [${ids.map((id) => `{ __typename: "User", id: "${id}" }`)}]) { ... on User { nick } }
  }`;
  const answer = await gateway.as('anna').query(query);
  const presence = { status: 'OFFLINE' };
  expect(answer.data).toEqual({
    users: [
      { id: 'star', nick: null, fansCount: 3, fans: { nodes: [{ id: 'crowd_000003' }] }, presence },
      { id: 'ghost', nick: null, fansCount: null, fans: null, presence: null },
      { id: 'crowd_000001', nick: 'Crowd 1', fansCount: 0, fans: { nodes: [] }, presence },
    ],
    viewer: { bert: 'FOLLOWING', ghost: null, odd: null },
    _entities: [{ nick: null }, { nick: null }, { nick: 'Crowd 1' }],
  });
  const fields = ['fans', 'fansCount', 'nick', 'presence'].map((field) => `users 1 ${field}`);
  const unknown = ['_entities 1 nick', ...fields, 'viewer ghost'].map((path) => `${path} USER_NOT_FOUND`);
  expect(codesOf(answer)?.sort()).toEqual([...unknown, 'viewer odd BAD_USER_INPUT']);
});

test('users and nodes keep their order, repeat what is repeated, and fail only where an id is malformed', async () => {
  const gateway = await openWorld();
  const answer = await gateway.query(
    `{ users(ids: ["b", "a", "not an id", "b"]) { id } nodes(ids: ["b", "", "a"]) { __typename id }
      user(id: "a b") { id } node(id: "ünïcode") { id } long: user(id: "${'a'.repeat(33)}") { id } }`,
  );
  expect(answer.data).toEqual({
    users: [{ id: 'b' }, { id: 'a' }, null, { id: 'b' }],
    nodes: [{ __typename: 'User', id: 'b' }, null, { __typename: 'User', id: 'a' }],
    ...{ user: null, node: null, long: null },
  });
  const paths = ['users 2', 'nodes 1', 'user', 'node', 'long'];
  expect(codesOf(answer)).toEqual(paths.map((path) => `${path} BAD_USER_INPUT`));
  const ids = Array.from({ length: 101 }, (_, n) => `u${n}`);
  const many = await gateway.query('query ($ids: [ID!]!) { users(ids: $ids) { id } }', { ids });
  expect(codesOf(many)).toEqual(['users BAD_USER_INPUT']);
  expect(gateway.sandbox.calls.count()).toBe(0);
});

test('the app’s own fields of a user do not depend on who was looked at before', async () => {
  const gateway = await openMina('Mood,Nope', { Tag_Profile_Custom_Mood: 'calm' });
  const fields = 'customFields { key } nope: customFields(keys: ["Nope"]) { key }';
  const alone = `{ user(id: "mina") { nick ${fields} } }`;
  const before = await gateway.query(alone);
  const list = await gateway.query(`{ user(id: "ben") { fans { nodes { ${fields} } } } }`);
  // Priming happens behind the answer.
  await new Promise((resolve) => setImmediate(resolve));
  expect(await gateway.query(alone)).toEqual(before);
  expect(before.data).toEqual({ user: { nick: 'Mina Ω 🐱', customFields: [{ key: 'Mood' }], nope: null } });
  expect(list.data).toEqual({
    user: { fans: { nodes: [{ customFields: [{ key: 'Team' }, { key: 'Mood' }], nope: null }] } },
  });
  expect(codesOf(list)).toEqual(['user fans nodes 0 nope UPSTREAM_MISCONFIGURED']);
});

test('a list shows the newest profile that was seen, also where the one before had not been fresh any more', async () => {
  const env = { LIST_FRESH_SECONDS: '600', PROFILE_FRESH_SECONDS: '1' };
  const gateway = await openWorld({ people: ['mina', 'ben'], follows: ['mina ben'], env });
  const nick = async (path: string) => JSON.stringify(await gateway.data(`{ user(id: "${path}`));
  const inList = () => nick('ben") { fans { nodes { nick } } }}');
  const alone = () => nick('mina") { nick }}');
  gateway.world.setProfile('mina', { Tag_Profile_IM_Nick: 'Old' });
  expect(await inList()).toContain('Old');
  gateway.world.setProfile('mina', { Tag_Profile_IM_Nick: 'New' });
  gateway.clock.advance(2000);
  // It is renewed behind an answer.
  await expect.poll(alone).toContain('New');
  expect(await inList()).toContain('New');
});

test('a list that another replica has read shows no profile that was read here before its fresh time', async () => {
  const env = { LIST_FRESH_SECONDS: '600', PROFILE_FRESH_SECONDS: '1' };
  const { redis, gateway, other, clock } = await openTwo({ people: ['mina', 'ben'], follows: ['mina ben'], env });
  const inList = '{ user(id: "ben") { fans { nodes { nick } } } }';
  gateway.world.setProfile('mina', { Tag_Profile_IM_Nick: 'Old' });
  await other.data('{ user(id: "mina") { nick } }');
  gateway.world.setProfile('mina', { Tag_Profile_IM_Nick: 'New' });
  clock.advance(2000);
  await gateway.data(inList);
  const operator = operatorOf(redis.url);
  await expect.poll(() => operator.keys('*:page:*')).toHaveLength(1);
  // The first answer may have the old one, and says so, while it is renewed.
  await expect.poll(() => other.data(inList)).toEqual({ user: { fans: { nodes: [{ nick: 'New' }] } } });
  expect(callCounts(gateway)).toMatchObject({ follow_get: 1 });
});
