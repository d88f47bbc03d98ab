// Editing one's own profile: what may be set, what fits, and who sees it when.
import { describe, expect, test } from 'vitest';
import { createRunningClock } from '../support/clock.ts';
import { subscribe } from '../support/event-stream.ts';
import { callCounts, type Replica, type TestGateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { openWithWebhooks } from '../webhook/webhook-gateway.ts';
import { openWorld } from './two-users.ts';

type Failure = [field: string | null, reason: string];

async function edit(replica: Replica, input: object, viewer = 'anna'): Promise<Failure[]> {
  const { updateProfile } = await replica
    .as(viewer)
    .data<{ updateProfile: { failures: Record<string, string>[] } }>(
      'mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { failures { field reason message } } }',
      { input },
    );
  return updateProfile.failures.map(({ field, reason }) => [field ?? null, reason ?? '']);
}
const tagsOf = ({ sandbox }: TestGateway, id: string) =>
  Object.fromEntries(
    sandbox.world.profile(id)?.items.map(({ Tag, Value }) => [Tag.replace('Tag_Profile_', ''), Value]) ?? [],
  );
const ALL =
  'nick,avatar,gender,birthday,location,selfSignature,language,level,role,allowType,adminForbidType,messageSettings';
const ALL_INPUT = {
  nick: 'Mina 🐱',
  avatar: 'https://img.example.com/1.png',
  gender: 'FEMALE',
  birthday: '1999-04-12',
  location: 'Osaka',
  selfSignature: '',
  language: 4,
  level: 7,
  role: 2,
  allowType: 'DENY_ANY',
  adminForbidType: 'SEND_OUT',
  messageSettings: 1,
  customFields: [{ key: 'Team', value: 'red' }],
};

test('every field that is allowed is written as the upstream keeps it, in one call, and can be unset', async () => {
  const gateway = await openWorld({ env: { PROFILE_EDITABLE_FIELDS: `${ALL},Tag_Profile_Custom_Team` } });
  expect(await edit(gateway, ALL_INPUT)).toEqual([]);
  expect(tagsOf(gateway, 'anna')).toEqual({
    IM_Nick: 'Mina 🐱',
    IM_Image: 'https://img.example.com/1.png',
    IM_Gender: 'Gender_Type_Female',
    IM_BirthDay: 19990412,
    IM_Location: 'Osaka',
    IM_SelfSignature: '',
    IM_Language: 4,
    IM_Level: 7,
    IM_Role: 2,
    IM_AllowType: 'AllowType_Type_DenyAny',
    IM_AdminForbidType: 'AdminForbid_Type_SendOut',
    IM_MsgSettings: 1,
    Custom_Team: 'red',
  });
  expect(callCounts(gateway)).toEqual({ portrait_set: 1 });
  expect(await edit(gateway, { nick: null, avatar: null, gender: null, birthday: null, level: null })).toEqual([]);
  expect(tagsOf(gateway, 'anna')).toMatchObject({
    ...{ IM_Nick: '', IM_Image: '', IM_Gender: 'Gender_Type_Unknown', IM_BirthDay: 0, IM_Level: 0, IM_Role: 2 },
  });
  const { viewer } = await gateway.as('anna').data<{ viewer: object }>('{ viewer { nick avatar birthday location } }');
  expect(viewer).toEqual({ nick: null, avatar: null, birthday: null, location: 'Osaka' });
});

test('a field that is not allowed is not set, by any spelling, and nothing else of the request is set either', async () => {
  const gateway = await openWorld({ env: { PROFILE_EDITABLE_FIELDS: 'nick,Tag_Profile_Custom_Team' } });
  const keys = [
    'Mood',
    'team',
    'TEAM',
    'Team ',
    'Team\0',
    'IM_Role',
    'Tag_Profile_IM_Role',
    'Tag_Profile_Custom_Team',
    '../IM_Role',
    '__proto__',
    '',
  ];
  for (const key of keys)
    expect([key, await edit(gateway, { nick: 'New', customFields: [{ key, value: 'x' }] })]).toEqual([
      ...[key, [[`Tag_Profile_Custom_${key}`, 'NOT_EDITABLE']]],
    ]);
  const { nick: _, customFields: __, ...others } = ALL_INPUT;
  for (const [field, value] of Object.entries(others))
    for (const given of [value, null])
      expect(await edit(gateway, { nick: 'New', [field]: given })).toEqual([[field, 'NOT_EDITABLE']]);
  const { errors } = await gateway
    .as('anna')
    .query('mutation { updateProfile(input: { nick: "a", Role: 1 }) { failures { field } } }');
  expect(errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  expect(tagsOf(gateway, 'anna')).toEqual({});
  expect(callCounts(gateway)).toEqual({});
});

test('by default role, level, what others may do and custom fields are not for viewers to set', async () => {
  const gateway = await openWorld();
  expect((await edit(gateway, ALL_INPUT)).map(([field]) => field).sort()).toEqual([
    ...['Tag_Profile_Custom_Team', 'adminForbidType', 'allowType', 'level', 'messageSettings', 'role'],
  ]);
});

test.each<[object, Failure]>([
  [{ nick: '🐱'.repeat(126) }, ['nick', 'TOO_LONG']],
  [{ selfSignature: 'é'.repeat(251) }, ['selfSignature', 'TOO_LONG']],
  [{ location: '17 bytes exactly!' }, ['location', 'TOO_LONG']],
  [{ avatar: `https://img.example.com/${'a'.repeat(500)}` }, ['avatar', 'TOO_LONG']],
  [{ avatar: 'javascript:alert(1)' }, ['avatar', 'INVALID_VALUE']],
  [{ avatar: 'https://img.example.com/\r\nx' }, ['avatar', 'INVALID_VALUE']],
  [{ avatar: { url: 'https://a.example' } }, ['avatar', 'INVALID_VALUE']],
  [{ birthday: '2023-02-29' }, ['birthday', 'INVALID_VALUE']],
  [{ birthday: 19990412 }, ['birthday', 'INVALID_VALUE']],
  [{ language: -1 }, ['language', 'INVALID_VALUE']],
  [{ nick: 'half \ud83d' }, ['nick', 'INVALID_VALUE']],
])('%j is told at its field, and nothing is asked of the upstream', async (input, failure) => {
  const gateway = await openWorld();
  expect(await edit(gateway, { ...input, gender: 'MALE' })).toEqual([failure]);
  expect(callCounts(gateway)).toEqual({});
});

test('500 bytes of emoji, and 16 of a place, are taken', async () => {
  const gateway = await openWorld();
  expect(await edit(gateway, { nick: '🐱'.repeat(125), location: '16 bytes exactly' })).toEqual([]);
});

test('a custom field twice, no field at all, and no viewer are refused', async () => {
  const gateway = await openWorld({ env: { PROFILE_EDITABLE_FIELDS: 'Tag_Profile_Custom_Team' } });
  const team = { key: 'Team', value: 'red' };
  const twice: Failure = ['Tag_Profile_Custom_Team', 'INVALID_VALUE'];
  expect(await edit(gateway, { customFields: [team, team] })).toEqual([twice, twice]);
  const query = 'mutation { updateProfile(input: {}) { failures { field } } }';
  for (const [replica, code] of [
    [gateway.as('anna'), 'BAD_USER_INPUT'],
    [gateway, 'UNAUTHENTICATED'],
  ] as const)
    expect((await replica.query(query)).errors?.[0]?.extensions.code).toBe(code);
});

test.each([
  [40005, 'REFUSED'],
  [40008, 'UNAVAILABLE'],
  [60007, 'THROTTLED'],
  [40003, 'USER_NOT_FOUND'],
])('an edit that the upstream refuses with %i is told as %s', async (code, reason) => {
  const gateway = await openWorld();
  gateway.sandbox.faults.set({ error: { code, commands: ['portrait_set'] } });
  expect(await edit(gateway, { nick: 'New' })).toEqual([[null, reason]]);
});

const PEOPLE = 'id nick';
const EVERYWHERE = `{
  viewer { fans { nodes { ${PEOPLE} } } }
  user(id: "bert") { fans { nodes { ${PEOPLE} } } mutuals { nodes { ${PEOPLE} } } }
  cleo: user(id: "cleo") { follows { nodes { ${PEOPLE} } } }
  node(id: "anna") { ... on User { ${PEOPLE} } }
}`;

test.each(['whole', 'partial'])(
  'a new nick shows in every list on every replica at once; profiles in lists: %s',
  async (embedded) => {
    const { url: REDIS_URL } = await startRedis();
    const gateway = await openWorld({ clock: createRunningClock(), env: { REDIS_URL, EMBEDDED_PROFILE: embedded } });
    const other = await gateway.openReplica();
    const { world } = gateway.sandbox;
    world.setProfile('anna', { Tag_Profile_IM_Nick: 'Old' });
    for (const [from, to] of ['anna bert', 'bert anna', 'cleo anna', 'anna cleo'].map((pair) => pair.split(' ')))
      world.follow(from as string, to as string);
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
  },
);

describe.each(['answerLost', 'reset', 'silence', 'truncatedJson'] as const)('an answer that is lost (%s)', (fault) => {
  test('ends in the truth', async () => {
    const gateway = await openWorld({ clock: createRunningClock(), env: { UPSTREAM_TIMEOUT_MS: '1500' } });
    gateway.sandbox.faults.set({ [fault]: { commands: ['portrait_set'], times: 1 } });
    expect(await edit(gateway, { nick: 'New', birthday: null })).toEqual([]);
    expect(tagsOf(gateway, 'anna').IM_Nick).toBe('New');
    const isDone = fault === 'answerLost' || fault === 'truncatedJson';
    expect(callCounts(gateway)).toEqual({ portrait_set: isDone ? 1 : 2, portrait_get: 1 });
  });
});

test('an edit whose end cannot be found out is called unknown, and read again', async () => {
  const gateway = await openWorld();
  const nick = () => gateway.as('anna').data('{ viewer { nick } }');
  await nick();
  const { faults } = gateway.sandbox;
  faults.set({ answerLost: { commands: ['portrait_set'] }, error: { code: 40006, commands: ['portrait_get'] } });
  expect(await edit(gateway, { nick: 'New' })).toEqual([[null, 'UNKNOWN_OUTCOME']]);
  faults.reset();
  expect(await nick()).toEqual({ viewer: { nick: 'New' } });
});

test('subscribers hear of an edit once, although the upstream tells of it as well', async () => {
  const gateway = await openWithWebhooks({ clock: createRunningClock(), env: { AUTH: 'development' } });
  const { world, act, webhooks } = gateway.sandbox;
  world.importAccount('anna');
  const events = await subscribe(
    gateway,
    'subscription { profileChanged(userIds: ["anna"]) { ... on ProfileChanged { user { nick } } } }',
  );
  const nick = async () => JSON.parse((await events.next())?.data ?? '').data.profileChanged.user.nick;
  await edit(gateway, { nick: 'New' });
  await webhooks.settled();
  expect(await nick()).toBe('New');
  act.setProfile('anna', { Tag_Profile_IM_Nick: 'Newer' });
  expect(await nick()).toBe('Newer');
});
