import { expect, test } from 'vitest';
import { openGateway } from '../support/gateway.ts';

const empty = { emptyWorld: true };

test('the sample of the follow_get page, through the whole gateway', async () => {
  const gateway = await openGateway({ sandbox: { people: 3 } });
  const answer = await gateway.query(
    'query { user(id:"UserID_001"){fans(first:10){edges{followedAt node{id nick allowType selfSignature customFields{key value}}} pageInfo{hasNextPage}}} }',
  );
  const fan = (number: number, allowType: string) => ({
    followedAt: '2023-12-11T02:35:18Z',
    node: {
      id: `UserID_00${number}`,
      nick: `NickNameTest${number}`,
      allowType,
      selfSignature: `I'm Test${number}`,
      customFields: [{ key: 'Test', value: `Custom Data${number}` }],
    },
  });
  expect(answer).toEqual({
    data: { user: { fans: { edges: [fan(2, 'DENY_ANY'), fan(3, 'ALLOW_ANY')], pageInfo: { hasNextPage: false } } } },
  });
});

const EVERY_FIELD = `
  nick avatar gender birthday location selfSignature language level role allowType adminForbidType messageSettings
  customFields { key value }
  profileItems { tag value }
`;
const TAGS = {
  Tag_Profile_IM_Nick: 'Mina Ω 🐱',
  Tag_Profile_IM_Image: 'https://img.example.com/u/14.png',
  Tag_Profile_IM_Gender: 'Gender_Type_Female',
  Tag_Profile_IM_BirthDay: 19990412,
  Tag_Profile_IM_Location: 'Osaka',
  Tag_Profile_IM_SelfSignature: 'hello',
  Tag_Profile_IM_Language: 4,
  Tag_Profile_IM_Level: 7,
  Tag_Profile_IM_Role: 2,
  Tag_Profile_IM_AllowType: 'AllowType_Type_NeedConfirm',
  Tag_Profile_IM_AdminForbidType: 'AdminForbid_Type_SendOut',
  Tag_Profile_IM_MsgSettings: 1,
  Tag_Profile_Custom_Team: 'blue',
};
const TYPED = {
  nick: 'Mina Ω 🐱',
  avatar: 'https://img.example.com/u/14.png',
  gender: 'FEMALE',
  birthday: '1999-04-12',
  location: 'Osaka',
  selfSignature: 'hello',
  language: 4,
  level: 7,
  role: 2,
  allowType: 'NEED_CONFIRM',
  adminForbidType: 'SEND_OUT',
  messageSettings: 1,
  customFields: [{ key: 'Team', value: 'blue' }],
};

test('every profile field has its type, the same from a list and from portrait_get', async () => {
  const gateway = await openGateway({ sandbox: empty, env: { PROFILE_CUSTOM_FIELDS: 'Team,Mood' } });
  const { world } = gateway.sandbox;
  world.importAccount('mina', TAGS);
  world.importAccount('ben');
  world.follow('mina', 'ben');

  const data = await gateway.data<{ user: object; ben: { fans: { nodes: object[] } } }>(
    `{ user(id: "mina") { ${EVERY_FIELD} } ben: user(id: "ben") { fans { nodes { ${EVERY_FIELD} } } } }`,
  );

  const items = expect.arrayContaining(Object.entries(TAGS).map(([tag, value]) => ({ tag, value })));
  expect(data.user).toEqual({ ...TYPED, profileItems: items });
  expect(data.ben.fans.nodes).toEqual([{ ...TYPED, profileItems: items }]);
});

test('values that this version cannot read are null in their field and raw in profileItems', async () => {
  const gateway = await openGateway({ sandbox: empty });
  const { world } = gateway.sandbox;
  const odd = {
    Tag_Profile_IM_Image: 'not a url',
    Tag_Profile_IM_Gender: 'Gender_Type_Other',
    Tag_Profile_IM_BirthDay: 20230230,
    Tag_Profile_IM_AllowType: 'AllowType_Type_New',
    Tag_Profile_IM_AdminForbidType: 'AdminForbid_Type_New',
    Tag_Profile_IM_Level: 4_000_000_000,
    Tag_Profile_IM_Unheard: 'of',
  };
  world.importAccount('odd', odd);
  world.importAccount('ben');
  world.follow('odd', 'ben');

  const { user } = await gateway.data<{ user: { fans: { nodes: object[] } } }>(
    '{ user(id: "ben") { fans { nodes { nick avatar gender birthday allowType adminForbidType level profileItems { tag value } } } } }',
  );

  expect(user.fans.nodes).toEqual([
    {
      ...{
        nick: null,
        avatar: null,
        gender: null,
        birthday: null,
        allowType: null,
        adminForbidType: null,
        level: null,
      },
      profileItems: expect.arrayContaining(Object.entries(odd).map(([tag, value]) => ({ tag, value }))),
    },
  ]);
});

test('customFields and profileItems take the keys and tags that are wanted', async () => {
  const gateway = await openGateway({ sandbox: empty, env: { PROFILE_CUSTOM_FIELDS: 'Team,Mood' } });
  gateway.sandbox.world.importAccount('mina', { ...TAGS, Tag_Profile_Custom_Mood: 'calm' });
  const { user } = await gateway.data<{ user: object }>(
    '{ user(id: "mina") { customFields(keys: ["Mood"]) { key value } none: customFields(keys: []) { key } profileItems(tags: ["Tag_Profile_IM_Nick"]) { tag value } } }',
  );
  expect(user).toEqual({
    customFields: [{ key: 'Mood', value: 'calm' }],
    none: [],
    profileItems: [{ tag: 'Tag_Profile_IM_Nick', value: 'Mina Ω 🐱' }],
  });
});

test('a configured field that the app does not have is UPSTREAM_MISCONFIGURED naming it, and takes no other down', async () => {
  const gateway = await openGateway({ sandbox: empty, env: { PROFILE_CUSTOM_FIELDS: 'Team,Nope' } });
  gateway.sandbox.world.importAccount('mina', TAGS);

  const { data, errors } = await gateway.query(
    '{ user(id: "mina") { nick team: customFields(keys: ["Team"]) { value } all: customFields { value } nope: customFields(keys: ["Nope"]) { value } } }',
  );

  expect(data).toEqual({
    user: { nick: 'Mina Ω 🐱', team: [{ value: 'blue' }], all: [{ value: 'blue' }], nope: null },
  });
  expect(errors).toMatchObject([{ path: ['user', 'nope'], extensions: { code: 'UPSTREAM_MISCONFIGURED' } }]);
  expect(errors?.[0]?.message).toContain('Nope');
  expect(gateway.logLines.some((line) => line.includes('Tag_Profile_Custom_Nope'))).toBe(true);
});

test('one unknown account nulls its own fields with USER_NOT_FOUND at their paths; the others answer', async () => {
  const gateway = await openGateway({ sandbox: empty });
  gateway.sandbox.world.addFans('star', 3);

  const { data, errors } = await gateway.query(
    '{ users(ids: ["star", "ghost", "crowd_000001"]) { id nick fansCount fans(first: 1) { nodes { id } } } }',
  );

  expect(data).toEqual({
    users: [
      { id: 'star', nick: null, fansCount: 3, fans: { nodes: [{ id: 'crowd_000003' }] } },
      { id: 'ghost', nick: null, fansCount: null, fans: null },
      { id: 'crowd_000001', nick: 'Crowd 1', fansCount: 0, fans: { nodes: [] } },
    ],
  });
  const found = errors?.map(({ path, extensions }) => [path?.join('.'), extensions.code]).sort();
  expect(found).toEqual([
    ['users.1.fans', 'USER_NOT_FOUND'],
    ['users.1.fansCount', 'USER_NOT_FOUND'],
    ['users.1.nick', 'USER_NOT_FOUND'],
  ]);
});

test('users and nodes keep their order, repeat what is repeated, and fail only where an id is malformed', async () => {
  const gateway = await openGateway({ sandbox: empty });
  const { data, errors } = await gateway.query(
    '{ users(ids: ["b", "a", "not an id", "b"]) { id } nodes(ids: ["b", "", "a"]) { __typename id } }',
  );
  expect(data).toEqual({
    users: [{ id: 'b' }, { id: 'a' }, null, { id: 'b' }],
    nodes: [{ __typename: 'User', id: 'b' }, null, { __typename: 'User', id: 'a' }],
  });
  expect(errors).toMatchObject([
    { path: ['users', 2], extensions: { code: 'BAD_USER_INPUT' } },
    { path: ['nodes', 1], extensions: { code: 'BAD_USER_INPUT' } },
  ]);
  expect(gateway.sandbox.calls.count()).toBe(0);
});

test('more than 100 ids at once, and a malformed id, are BAD_USER_INPUT', async () => {
  const gateway = await openGateway({ sandbox: empty });
  const ids = Array.from({ length: 101 }, (_, n) => `u${n}`);
  const many = await gateway.query('query ($ids: [ID!]!) { users(ids: $ids) { id } }', { ids });
  const malformed = await gateway.query(
    '{ user(id: "a b") { id } node(id: "ünïcode") { id } long: user(id: "a234567890123456789012345678901234567890") { id } }',
  );
  expect(many.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  expect(malformed.data).toEqual({ user: null, node: null, long: null });
  expect(malformed.errors?.map(({ extensions }) => extensions.code)).toEqual(Array(3).fill('BAD_USER_INPUT'));
});

test('the app’s own fields of a user do not depend on who was looked at before', async () => {
  const gateway = await openGateway({ sandbox: empty, env: { PROFILE_CUSTOM_FIELDS: 'Mood,Nope' } });
  const { world } = gateway.sandbox;
  world.importAccount('mina', { ...TAGS, Tag_Profile_Custom_Mood: 'calm' });
  world.importAccount('ben');
  world.follow('mina', 'ben');
  const alone = '{ user(id: "mina") { nick customFields { key } nope: customFields(keys: ["Nope"]) { key } } }';
  const inList =
    '{ user(id: "ben") { fans { nodes { customFields { key } nope: customFields(keys: ["Nope"]) { key } } } } }';

  const before = await gateway.query(alone);
  const list = await gateway.query(inList);
  // Priming happens behind the answer.
  await new Promise((resolve) => setImmediate(resolve));
  const after = await gateway.query(alone);

  expect(before.data).toEqual({ user: { nick: 'Mina Ω 🐱', customFields: [{ key: 'Mood' }], nope: null } });
  expect(list.data).toEqual({
    user: { fans: { nodes: [{ customFields: [{ key: 'Team' }, { key: 'Mood' }], nope: null }] } },
  });
  expect(after).toEqual(before);
  expect(list.errors?.map(({ extensions }) => extensions.code)).toEqual(['UPSTREAM_MISCONFIGURED']);
});
