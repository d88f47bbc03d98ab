import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { FaultPatch } from '../../src/sandbox/faults.ts';
import { firstPage, manualClock, START_MS, startSandbox } from './start-sandbox.ts';

type Received = { query: Record<string, string>; body: Record<string, unknown> };

/** A receiver that keeps what it got and answers as `answer` says; `null` = never. */
async function startReceiver(answer: () => { status: number; body: string } | null = ok) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const query = Object.fromEntries(new URL(request.url ?? '', 'http://receiver').searchParams);
    received.push({ query, body: JSON.parse(text) });
    const reply = answer();
    if (reply) response.writeHead(reply.status).end(reply.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/secret-path` };
}

const ok = () => ({ status: 200, body: '{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}' });
const TOKEN = 'demo-callback-token-001';

async function connected(
  faults: FaultPatch = {},
  target: { timeoutMs?: number } = {},
  answer = ok as () => ReturnType<typeof ok> | null,
) {
  const receiver = await startReceiver(answer);
  const sandbox = await startSandbox();
  sandbox.webhooks.connect({ url: receiver.url, token: TOKEN, ...target });
  for (const id of ['ana', 'bo', 'cy']) sandbox.world.importAccount(id);
  sandbox.faults.set(faults);
  return { ...sandbox, ...receiver, url: sandbox.url };
}

const ADD = { From_Account: 'ana', FollowItem: [{ To_Account: 'bo' }, { To_Account: 'nobody' }, { To_Account: 'cy' }] };

describe('the webhook that is sent', () => {
  test('a follow over REST, with the targets that really changed', async () => {
    const { call, world, webhooks, received } = await connected();
    world.follow('ana', 'cy', 1);
    await call('follow_add', ADD);
    await webhooks.settled();
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
    expect(received).toEqual([{ query, body }]);
    expect(webhooks.deliveries()).toMatchObject([{ outcome: 'answered' }]);
  });

  test('an unfollow, as plain strings', async () => {
    const { call, world, webhooks, received } = await connected();
    world.follow('ana', 'bo');
    await call('follow_delete', { From_Account: 'ana', To_Account: ['bo', 'cy'] });
    await webhooks.settled();
    const CallbackCommand = 'Follow.CallbackAfterFollowDelete';
    expect(received.map(({ body }) => body)).toEqual([
      { CallbackCommand, From_Account: 'ana', To_Account: ['bo'], EventTime: START_MS },
    ]);
  });

  test('a profile change, with the tags that really changed and the account that changed them', async () => {
    const { act, world, webhooks, received } = await connected();
    world.setProfile('ana', { Tag_Profile_IM_Level: 3 });
    const nick = { Tag: 'Tag_Profile_IM_Nick', Value: 'Ana' };
    act.setProfile('ana', { Tag_Profile_IM_Nick: 'Ana', Tag_Profile_IM_Level: 3 });
    await webhooks.settled();
    const CallbackCommand = 'Profile.CallbackPortraitSet';
    const who = { Operator_Account: 'ana', From_Account: 'ana' };
    expect(received.map(({ body }) => body)).toEqual([
      { CallbackCommand, ...who, EventTime: START_MS, ProfileItem: [nick] },
    ]);
  });

  test('the first call above 80 % of a limit, once a second', async () => {
    const clock = manualClock();
    const receiver = await startReceiver();
    const { call, webhooks } = await startSandbox({ clock, rateLimits: { follow_get: 10 } });
    webhooks.connect(receiver);
    const burst = async () => {
      for (let calls = 0; calls < 12; calls += 1) await call('follow_get', firstPage('administrator'));
      await webhooks.settled();
    };
    await burst();
    expect(receiver.received).toEqual([
      {
        query: expect.not.objectContaining({ ClientIP: expect.anything() }),
        body: {
          CallbackCommand: 'Alert.RequestOverLimit',
          ServiceName: 'follow',
          Command: 'follow_get',
          Request: 9,
          Limit: 10,
        },
      },
    ]);
    clock.advance(1000);
    await burst();
    expect(receiver.received).toHaveLength(2);
  });
});

describe('delivery', () => {
  test('a receiver that is silent is given up', async () => {
    const { act, webhooks } = await connected({}, { timeoutMs: 50 }, () => null);
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
  ])('%s is refused as an address', async (url) => {
    const { webhooks } = await startSandbox();
    expect(() => webhooks.connect({ url })).toThrow(/^Webhook/);
  });
});
