// Every operation of schema/operations, typed as clients get it, against the seeded world.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { expect, test } from 'vitest';
import * as documents from '../../schema/documents.ts';
import { readOperationNames } from '../../src/server/graphiql.ts';
import { subscribe } from '../support/event-stream.ts';
import { openGateway } from '../support/gateway.ts';

/** As many of the made-up people as the operations' defaults name. */
const PEOPLE = { people: 300 };

async function ask<Result, Variables extends Record<string, unknown>>(
  document: TypedDocumentNode<Result, Variables>,
  variables: Variables,
) {
  const gateway = await openGateway({ sandbox: PEOPLE, env: { PROFILE_CUSTOM_FIELDS: 'Test,Team,Mood' } });
  const data = await gateway.data<Result>(print(document), variables);
  return { data, calls: gateway.sandbox.calls.summary() };
}

test('the fans screen shows names for one list call, one for the counts and one for the user’s own name', async () => {
  const { data, calls } = await ask(documents.FansScreenDocument, { userId: 'star', first: 50 });
  expect(data.user?.fans?.totalCount).toBe(300);
  expect(data.user?.fans?.edges).toHaveLength(50);
  expect(data.user?.fans?.pageInfo.hasNextPage).toBe(true);
  expect(Object.keys(calls).sort()).toEqual(['follow_get', 'follow_get_info', 'portrait_get']);
});

test('the profile header shows a profile and three counts for two calls', async () => {
  const { data, calls } = await ask(documents.ProfileHeaderDocument, { userId: 'UserID_002' });
  expect(data.user).toMatchObject({
    nick: 'NickNameTest2',
    allowType: 'DENY_ANY',
    customFields: [{ key: 'Test', value: 'Custom Data2' }],
    fansCount: 0,
    followsCount: 1,
    mutualsCount: 0,
  });
  expect(Object.values(calls).map(({ received }) => received)).toEqual([1, 1]);
});

type AnyDocument = TypedDocumentNode<Record<string, unknown>, Record<string, unknown>>;
const typed = Object.entries(documents).flatMap(([name, document]) =>
  name.endsWith('Document') ? [[name.replace(/Document$/, ''), document as AnyDocument] as const] : [],
);
const typeOf = (document: AnyDocument) =>
  document.definitions.flatMap((definition) => ('operation' in definition ? [definition.operation] : []))[0];

test('every operation has a document', () => {
  expect(typed.map(([name]) => name).sort()).toEqual(readOperationNames().sort());
});

test.each(typed.filter(([, document]) => typeOf(document) !== 'subscription'))(
  '%s runs with its defaults, and a viewer finds what it asks for',
  async (_name, document) => {
    const gateway = await openGateway({
      sandbox: PEOPLE,
      env: { AUTH: 'development', PROFILE_CUSTOM_FIELDS: 'Test,Team,Mood', USER_SEARCH: 'on' },
    });
    const data = await gateway.as('user_00001').data<Record<string, unknown>>(print(document));
    expect(Object.values(data).every((field) => field !== null)).toBe(true);
  },
);

test.each(typed.filter(([, document]) => typeOf(document) === 'subscription'))(
  '%s begins with its defaults, and tells what happens',
  async (_name, document) => {
    const gateway = await openGateway({
      sandbox: PEOPLE,
      env: { AUTH: 'development', WEBHOOK_TOKEN: 'token', WEBHOOK_PATH: '/hooks' },
    });
    gateway.sandbox.webhooks.connect({ url: `${gateway.url}/hooks`, token: 'token' });
    const stream = await subscribe(gateway, print(document), {}, { 'x-viewer-id': 'UserID_001' });
    gateway.sandbox.act.connect('UserID_001', 'Web');
    gateway.sandbox.act.follow('user_00042', 'UserID_001');
    for (const id of ['UserID_001', 'UserID_002']) gateway.sandbox.act.setProfile(id, { Tag_Profile_IM_Nick: 'New' });
    expect(await stream.answer()).toMatchObject({ data: expect.anything() });
  },
);
