// Every operation of schema/operations, typed as clients get it, against the seeded world; and all that people can do, and
// hear, has one.
import { readFileSync } from 'node:fs';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { buildSchema, getOperationAST, print, TypeInfo, visit, visitWithTypeInfo } from 'graphql';
import { expect, test } from 'vitest';
import * as documents from '../../schema/documents.ts';
import { readOperationNames } from '../../src/server/graphiql.ts';
import { subscribe } from '../support/event-stream.ts';
import { callCounts } from '../support/gateway.ts';
import { asViewer, openWorld } from './world.ts';

const schema = buildSchema(readFileSync(new URL('../../schema/schema.graphql', import.meta.url), 'utf8'));
type AnyDocument = TypedDocumentNode<Record<string, unknown>, Record<string, unknown>>;
const typed = Object.entries(documents).flatMap(([name, document]) =>
  name.endsWith('Document') ? [[name.replace(/Document$/, ''), document as AnyDocument] as const] : [],
);
const typeOf = (document: AnyDocument) => getOperationAST(document)?.operation;

/** As many of the made-up people as the operations' defaults name. */
const openScreens = (hasWebhooks = false) =>
  openWorld({
    people: [],
    hasWebhooks,
    env: { PROFILE_CUSTOM_FIELDS: 'Test,Team,Mood', USER_SEARCH: 'on' },
    sandbox: { people: 300 },
  });

test('the profile header shows a profile and three counts for two calls', async () => {
  const gateway = await openScreens();
  expect(await gateway.data(print(documents.ProfileHeaderDocument), { userId: 'UserID_002' })).toMatchObject({
    user: {
      ...{ nick: 'NickNameTest2', allowType: 'DENY_ANY', customFields: [{ key: 'Test', value: 'Custom Data2' }] },
      ...{ fansCount: 0, followsCount: 1, mutualsCount: 0 },
    },
  });
  expect(callCounts(gateway)).toEqual({ follow_get_info: 1, portrait_get: 1 });
});

test('every operation has a document', () => {
  expect(typed.map(([name]) => name).sort()).toEqual(readOperationNames().sort());
});

test.each([
  ['mutation', schema.getMutationType()],
  ['subscription', schema.getSubscriptionType()],
])('each %s has an operation', (_kind, type) => {
  const asked = new Set<string>();
  const types = new TypeInfo(schema);
  const Field = () => void asked.add(`${types.getParentType()?.name}.${types.getFieldDef()?.name}`);
  for (const [, document] of typed) visit(document, visitWithTypeInfo(types, { Field }));
  const fields = Object.keys(type?.getFields() ?? {}).map((field) => `${type?.name}.${field}`);
  expect(fields.length).toBeGreaterThan(0);
  expect(fields.filter((field) => !asked.has(field))).toEqual([]);
});

test.each(typed.filter(([, document]) => typeOf(document) !== 'subscription'))(
  '%s runs with its defaults, and a viewer finds what it asks for',
  async (_name, document) => {
    const gateway = await openScreens();
    const data = await gateway.as('user_00001').data<Record<string, unknown>>(print(document));
    expect(Object.values(data).every((field) => field !== null)).toBe(true);
  },
);

test.each(typed.filter(([, document]) => typeOf(document) === 'subscription'))(
  '%s begins with its defaults, and tells what happens',
  async (_name, document) => {
    const gateway = await openScreens(true);
    const stream = await subscribe(gateway, print(document), {}, asViewer('UserID_001'));
    const { act } = gateway.sandbox;
    act.connect('UserID_001', 'Web');
    act.follow('user_00042', 'UserID_001');
    for (const id of ['UserID_001', 'UserID_002']) act.setProfile(id, { Tag_Profile_IM_Nick: 'New' });
    expect(await stream.answer()).toMatchObject({ data: expect.anything() });
  },
);
