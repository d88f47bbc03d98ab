import { expect, test } from 'vitest';
import { startReceiver } from '../support/receiver.ts';
import { START_MS, startSandbox } from './start-sandbox.ts';

/** A sandbox with people, and the receiver of its webhooks. */
async function connected(target: { timeoutMs?: number } = {}) {
  const receiver = await startReceiver();
  const sandbox = await startSandbox();
  sandbox.webhooks.connect({ url: receiver.url, token: 'demo-callback-token-001', ...target });
  for (const id of ['ana', 'bo', 'cy']) sandbox.world.importAccount(id);
  /** All that has been received. */
  async function told() {
    await sandbox.webhooks.settled();
    return receiver.received.map(({ query, body }) => ({ query, body: JSON.parse(body) }));
  }
  return { ...sandbox, receiver, told };
}

test('a follow over REST is told, with the targets that really changed', async () => {
  const { call, world, webhooks, told } = await connected();
  world.follow('ana', 'cy', 1);
  const FollowItem = ['bo', 'nobody', 'cy'].map((To_Account) => ({ To_Account }));
  await call('follow_add', { From_Account: 'ana', FollowItem });
  const CallbackCommand = 'Follow.CallbackAfterFollowAdd';
  const query = {
    SdkAppid: '1400000000',
    CallbackCommand,
    contenttype: 'json',
    ClientIP: '127.0.0.1',
    OptPlatform: 'RESTAPI',
    Sign: '72a1130697cf91646f633ecc61e22bfcee34ce8aeb5ceb9ebc4eb41f260fd8d2',
    RequestTime: '1700000000',
  };
  const FollowList = [{ To_Account: 'bo' }];
  const body = { CallbackCommand, From_Account: 'ana', FollowList, EventTime: START_MS };
  expect(await told()).toEqual([{ query, body }]);
  expect(webhooks.deliveries()).toMatchObject([{ outcome: 'answered' }]);
});

test('an unfollow is told as plain strings', async () => {
  const { call, world, told } = await connected();
  world.follow('ana', 'bo');
  await call('follow_delete', { From_Account: 'ana', To_Account: ['bo', 'cy'] });
  const CallbackCommand = 'Follow.CallbackAfterFollowDelete';
  const body = { CallbackCommand, From_Account: 'ana', To_Account: ['bo'], EventTime: START_MS };
  expect((await told()).map(({ body: sent }) => sent)).toEqual([body]);
});

test('a profile change is told, with the tags that really changed and the account that changed them', async () => {
  const { act, world, told } = await connected();
  world.setProfile('ana', { Tag_Profile_IM_Level: 3 });
  act.setProfile('ana', { Tag_Profile_IM_Nick: 'Ana', Tag_Profile_IM_Level: 3 });
  const CallbackCommand = 'Profile.CallbackPortraitSet';
  const who = { Operator_Account: 'ana', From_Account: 'ana' };
  const ProfileItem = [{ Tag: 'Tag_Profile_IM_Nick', Value: 'Ana' }];
  expect((await told()).map(({ body }) => body)).toEqual([
    { CallbackCommand, ...who, EventTime: START_MS, ProfileItem },
  ]);
});

test('a receiver that is silent is given up', async () => {
  const { act, webhooks, receiver } = await connected({ timeoutMs: 50 });
  receiver.hold();
  act.follow('ana', 'bo');
  await webhooks.settled();
  expect(webhooks.deliveries()).toMatchObject([{ outcome: 'unanswered' }]);
});

test.each([
  'http://example.com/hook',
  'http://10.0.0.1/',
  'http://127.0.0.1.example.com/',
  'http://[::2]/',
  'ftp://127.0.0.1/',
  'http://127.0.0.1/?a=1',
  'nowhere',
])('%s is refused as an address of webhooks', async (url) => {
  const { webhooks } = await startSandbox();
  expect(() => webhooks.connect({ url })).toThrow(/^Webhook/);
});
