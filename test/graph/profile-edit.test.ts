// Editing one's own profile: what may be set, what fits, and who sees it when.
import { expect, test } from 'vitest';
import { createRunningClock } from '../support/clock.ts';
import { subscribe } from '../support/event-stream.ts';
import { callCounts, type Replica, type TestGateway } from '../support/gateway.ts';
import { at, codesOf, openTwo, openWorld } from './world.ts';

/** Edits anna's profile; answers what failed: 'nick TOO_LONG'. */
async function edit(replica: Replica, input: object): Promise<string[]> {
  const query =
    'mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { failures { field reason message } } }';
  const data = await replica.as('anna').data(query, { input });
  const failures = at<{ field: string | null; reason: string }[]>(data, 'updateProfile.failures');
  return failures.map(({ field, reason }) => `${field} ${reason}`);
}
const tagsOf = ({ sandbox }: TestGateway, id: string) =>
  Object.fromEntries(
    sandbox.world.profile(id)?.items.map(({ Tag, Value }) => [Tag.replace('Tag_Profile_', ''), Value]) ?? [],
  );
const editable = (fields: string) => ({ env: { PROFILE_EDITABLE_FIELDS: fields } });

/** Each field: a value for it, and what the upstream keeps of it. */
const FIELDS = {
  nick: ['Mina 🐱', { IM_Nick: 'Mina 🐱' }],
  avatar: ['https://img.example.com/1.png', { IM_Image: 'https://img.example.com/1.png' }],
  gender: ['FEMALE', { IM_Gender: 'Gender_Type_Female' }],
  birthday: ['1999-04-12', { IM_BirthDay: 19990412 }],
  location: ['Osaka', { IM_Location: 'Osaka' }],
  selfSignature: ['', { IM_SelfSignature: '' }],
  language: [4, { IM_Language: 4 }],
  level: [7, { IM_Level: 7 }],
  role: [2, { IM_Role: 2 }],
  allowType: ['DENY_ANY', { IM_AllowType: 'AllowType_Type_DenyAny' }],
  adminForbidType: ['SEND_OUT', { IM_AdminForbidType: 'AdminForbid_Type_SendOut' }],
  messageSettings: [1, { IM_MsgSettings: 1 }],
} as const;
const NAMES = Object.keys(FIELDS) as (keyof typeof FIELDS)[];
const TEAM = { key: 'Team', value: 'red' };
const ALL_INPUT = { ...Object.fromEntries(NAMES.map((name) => [name, FIELDS[name][0]])), customFields: [TEAM] };

test('every field that is allowed is written as the upstream keeps it, in one call, and can be unset', async () => {
  const gateway = await openWorld(editable(`${NAMES},Tag_Profile_Custom_Team`));
  expect(await edit(gateway, ALL_INPUT)).toEqual([]);
  expect(tagsOf(gateway, 'anna')).toEqual(
    Object.assign({ Custom_Team: 'red' }, ...NAMES.map((name) => FIELDS[name][1])),
  );
  expect(callCounts(gateway)).toEqual({ portrait_set: 1 });
  expect(await edit(gateway, { nick: null, avatar: null, gender: null, birthday: null, level: null })).toEqual([]);
  expect(tagsOf(gateway, 'anna')).toMatchObject({
    ...{ IM_Nick: '', IM_Image: '', IM_Gender: 'Gender_Type_Unknown', IM_BirthDay: 0, IM_Level: 0, IM_Role: 2 },
  });
  expect(await gateway.as('anna').data('{ viewer { nick avatar birthday gender level location } }')).toEqual({
    viewer: { nick: null, avatar: null, birthday: null, gender: 'UNKNOWN', level: 0, location: 'Osaka' },
  });
  for (const field of ['allowType', 'adminForbidType'])
    expect(await edit(gateway, { [field]: null })).toEqual([`${field} INVALID_VALUE`]);
});

test('a field that is not allowed is not set, by any spelling, and nothing else of the request is set either', async () => {
  const gateway = await openWorld(editable('nick,Tag_Profile_Custom_Team'));
  const spellings = ['Mood', 'team', 'TEAM', 'Team ', 'Team\0', 'IM_Role', 'Tag_Profile_IM_Role'];
  for (const key of [...spellings, 'Tag_Profile_Custom_Team', '../IM_Role', '__proto__', '']) {
    const failures = await edit(gateway, { nick: 'New', customFields: [{ key, value: 'x' }] });
    expect(failures).toEqual([`Tag_Profile_Custom_${key} NOT_EDITABLE`]);
  }
  for (const name of NAMES.filter((name) => name !== 'nick'))
    for (const given of [FIELDS[name][0], null])
      expect(await edit(gateway, { nick: 'New', [name]: given })).toEqual([`${name} NOT_EDITABLE`]);
  const unknown = 'mutation { updateProfile(input: { nick: "a", Role: 1 }) { failures { field } } }';
  expect(codesOf(await gateway.as('anna').query(unknown))).toEqual(['GRAPHQL_VALIDATION_FAILED']);
  expect(tagsOf(gateway, 'anna')).toEqual({});
  expect(callCounts(gateway)).toEqual({});
});

test('by default role, level, what others may do and custom fields are not for viewers to set', async () => {
  const denied = ['Tag_Profile_Custom_Team', 'adminForbidType', 'allowType', 'level', 'messageSettings', 'role'];
  expect((await edit(await openWorld(), ALL_INPUT)).sort()).toEqual(denied.map((field) => `${field} NOT_EDITABLE`));
});

test.each<[object, string]>([
  [{ nick: '🐱'.repeat(126) }, 'nick TOO_LONG'],
  [{ selfSignature: 'é'.repeat(251) }, 'selfSignature TOO_LONG'],
  [{ location: '17 bytes exactly!' }, 'location TOO_LONG'],
  [{ avatar: `https://img.example.com/${'a'.repeat(500)}` }, 'avatar TOO_LONG'],
  [{ avatar: 'javascript:alert(1)' }, 'avatar INVALID_VALUE'],
  [{ avatar: 'https://img.example.com/\r\nx' }, 'avatar INVALID_VALUE'],
  [{ avatar: { url: 'https://a.example' } }, 'avatar INVALID_VALUE'],
  [{ birthday: '2023-02-29' }, 'birthday INVALID_VALUE'],
  [{ birthday: 19990412 }, 'birthday INVALID_VALUE'],
  [{ language: -1 }, 'language INVALID_VALUE'],
  [{ nick: 'half \ud83d' }, 'nick INVALID_VALUE'],
])('%j is told at its field, and nothing is asked of the upstream', async (input, failure) => {
  const gateway = await openWorld();
  expect(await edit(gateway, { ...input, gender: 'MALE' })).toEqual([failure]);
  expect(callCounts(gateway)).toEqual({});
});

test('500 bytes of emoji, and 16 of a place, are taken', async () => {
  expect(await edit(await openWorld(), { nick: '🐱'.repeat(125), location: '16 bytes exactly' })).toEqual([]);
});

test('a custom field twice, no field at all, and no viewer are refused', async () => {
  const gateway = await openWorld(editable('Tag_Profile_Custom_Team'));
  const twice = 'Tag_Profile_Custom_Team INVALID_VALUE';
  expect(await edit(gateway, { customFields: [TEAM, TEAM] })).toEqual([twice, twice]);
  const query = 'mutation { updateProfile(input: {}) { failures { field } } }';
  expect(codesOf(await gateway.as('anna').query(query))).toEqual(['updateProfile BAD_USER_INPUT']);
  expect(codesOf(await gateway.query(query))).toEqual(['updateProfile UNAUTHENTICATED']);
});

test.each([
  [40005, 'REFUSED'],
  [40008, 'UNAVAILABLE'],
  [60007, 'THROTTLED'],
  [40003, 'USER_NOT_FOUND'],
])('an edit that the upstream refuses with %i is told as %s', async (code, reason) => {
  const gateway = await openWorld();
  gateway.faults.set({ error: { code, commands: ['portrait_set'] } });
  expect(await edit(gateway, { nick: 'New' })).toEqual([`null ${reason}`]);
});

const EVERYWHERE = `{
  viewer { fans { nodes { id nick } } }
  user(id: "bert") { fans { nodes { id nick } } mutuals { nodes { id nick } } }
  cleo: user(id: "cleo") { follows { nodes { id nick } } }
  node(id: "anna") { ... on User { id nick } }
}`;

test('a new nick shows in every list on every replica at once', async () => {
  const { gateway, other } = await openTwo({ follows: ['anna bert', 'bert anna', 'cleo anna', 'anna cleo'] });
  gateway.world.setProfile('anna', { Tag_Profile_IM_Nick: 'Old' });
  const nicks = async () => {
    const seen = new Set<unknown>();
    for (const replica of [gateway, other])
      for (const viewer of ['bert', 'cleo'])
        JSON.stringify(await replica.as(viewer).data(EVERYWHERE), (_key, value) => {
          if (value?.id === 'anna') seen.add(value.nick);
          return value;
        });
    return [...seen];
  };
  expect(await nicks()).toEqual(['Old']);
  expect(await edit(gateway, { nick: 'New' })).toEqual([]);
  expect(await nicks()).toEqual(['New']);
  expect(await edit(other, { nick: 'Newer' })).toEqual([]);
  expect(await nicks()).toEqual(['Newer']);
});

test('subscribers hear of an edit once, although the upstream tells of it as well', async () => {
  const gateway = await openWorld({ clock: createRunningClock(), hasWebhooks: true });
  const query = 'subscription { profileChanged(userIds: ["anna"]) { ... on ProfileChanged { user { nick } } } }';
  const events = await subscribe(gateway, query);
  await edit(gateway, { nick: 'New' });
  await gateway.sandbox.webhooks.settled();
  expect(await events.events(1)).toEqual([{ user: { nick: 'New' } }]);
  gateway.sandbox.act.setProfile('anna', { Tag_Profile_IM_Nick: 'Newer' });
  expect(await events.events(1)).toEqual([{ user: { nick: 'Newer' } }]);
});
