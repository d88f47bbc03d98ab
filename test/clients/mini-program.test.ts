// The client for mini programs on a double of `wx`, in front of the gateway: what fails, and how it is told.
import { print } from 'graphql';
import { expect, test } from 'vitest';
import {
  type ClientError,
  createMiniProgramClient,
  type MiniProgram,
  type TypedText,
} from '../../schema/client/mini-program.ts';
import type { ErrorCode } from '../../schema/client/shape.ts';
import {
  FansScreenDocument,
  type FansScreenQuery,
  type FansScreenQueryVariables,
  FollowEventsDocument,
} from '../../schema/documents.ts';
import type { ErrorCode as OwnCode } from '../../src/errors.ts';
import { SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { signUserSig } from '../../src/tencent/user-sig.ts';
import { openGateway } from '../support/gateway.ts';
import { openStar, openSubscriptions } from './lists.ts';
import { wx } from './wx.ts';

const FANS: TypedText<FansScreenQuery, FansScreenQueryVariables> = print(FansScreenDocument);
const EVENTS = print(FollowEventsDocument);
/** Compiles while schema/README.md has a row for every code. */
const asClientsKnowIt = (code: OwnCode): ErrorCode => code;

test('a field that failed has its code, and the rest is there', async () => {
  const { url } = await openStar();
  const { request } = createMiniProgramClient(wx, { url: `${url}/graphql` });
  const { data, errors } = await request(FANS, { userId: 'star', after: 'nonsense' });
  expect(data?.user).toMatchObject({ id: 'star', fans: null });
  const code = asClientsKnowIt('INVALID_CURSOR');
  expect(errors).toMatchObject([{ path: ['user', 'fans'], extensions: { code } }]);
});

test.each([
  ['no server answers', 'http://127.0.0.1:1/graphql', /^request:fail$/],
  ['something else answers', '/health/live', /^HTTP 200$/],
])('where %s a request ends with NETWORK_FAILED, and does not reject', async (_where, address, message) => {
  const { url } = await openGateway();
  const { request } = createMiniProgramClient(wx, { url: new URL(address, url).href });
  expect(await request(FANS, {})).toEqual({
    data: null,
    errors: [{ message: expect.stringMatching(message), extensions: { code: 'NETWORK_FAILED' } }],
  });
});

test('credentials are read for each try: a request whose credentials are wrong is told, a subscription comes back with right ones, and ends when it is told', async () => {
  const gateway = await openGateway({ env: { AUTH: 'usersig', METRICS_PORT: '0' }, sandbox: { people: 3 } });
  const issuedAt = Math.floor(Date.now() / 1000);
  const userSig = signUserSig({ ...SANDBOX_APP, userId: 'UserID_001', issuedAt, expireSeconds: 3600 });
  let asked = 0;
  const client = createMiniProgramClient(wx, {
    url: `${gateway.url}/graphql`,
    headers: () => ({ authorization: `UserSig ${asked++ < 2 ? 'wrong' : userSig}` }),
    retryDelayMs: () => 0,
  });
  const { errors } = await client.request(FANS, {});
  expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
  const end = client.subscribe(EVENTS, { userId: 'UserID_001' }, { next: () => {} });
  await expect.poll(() => openSubscriptions(gateway)).toBe(1);
  expect(asked).toBe(3);
  end();
  await expect.poll(() => openSubscriptions(gateway)).toBe(0);
});

test.each([
  ['its document', 'subscription { nothing }', 'GRAPHQL_VALIDATION_FAILED'],
  ['what it asks', EVENTS, 'INVALID_CURSOR'],
])('a subscription that is refused for %s is told why, and is not tried again', async (_why, document, code) => {
  const star = await openStar();
  const tries: string[] = [];
  const platform: MiniProgram = {
    ...wx,
    connectSocket(options) {
      tries.push(options.url);
      return wx.connectSocket(options);
    },
  };
  const { subscribe } = createMiniProgramClient(platform, { url: `${star.url}/graphql`, retryDelayMs: () => 0 });
  const codes = await new Promise<string[]>((resolve) => {
    const codesOf = (errors: ClientError[]) => errors.map(({ extensions }) => extensions.code);
    const told: string[] = [];
    subscribe(
      document,
      { userId: 'star', after: 'nonsense' },
      {
        next: ({ errors }) => void told.push(...codesOf(errors)),
        error: (errors) => resolve(codesOf(errors)),
        complete: () => resolve(told),
      },
    );
  });
  expect(codes).toEqual([code]);
  expect(tries).toHaveLength(1);
});
