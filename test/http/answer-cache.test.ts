// Answers that are kept as bytes: they are what an execution at that moment would answer, to each viewer their own.
import { describe, expect, test } from 'vitest';
import { createHastyClock } from '../support/clock.ts';
import { type Answer, openGateway } from '../support/gateway.ts';
import { post } from './requests.ts';

const IDS = ['anna', 'bert', 'star'];
async function open() {
  const clock = createHastyClock();
  const gateway = await openGateway({ clock, env: { AUTH: 'development' }, sandbox: { emptyWorld: true, clock } });
  for (const id of IDS) gateway.sandbox.world.importAccount(id, { Tag_Profile_IM_Nick: id });
  const ask = async (query: string, viewer: string | null, accept = 'application/json') => {
    const headers = { accept, ...(viewer && { 'x-viewer-id': viewer }) };
    return (await (await post(gateway, JSON.stringify({ query }), 'application/json', headers)).json()) as Answer;
  };
  return { gateway, ask };
}

describe('a kept answer', () => {
  test('costs no execution, and is in the log like any other', async () => {
    const { gateway, ask } = await open();
    for (let i = 0; i < 3; i++) await ask('query Screen { user(id: "star") { nick } }', null);
    const calls = gateway.sandbox.calls.count();
    expect(calls).toBe(1);
    const lines = gateway.logLines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request');
    expect(lines.map(({ operationName }) => operationName)).toEqual(['Screen', 'Screen', 'Screen']);
  });

  test('is no other viewer’s, and of the type that is accepted', async () => {
    const { gateway, ask } = await open();
    const query = '{ viewer { id } }';
    for (const viewer of [...IDS, null, ...IDS, null])
      expect(await ask(query, viewer)).toEqual({ data: { viewer: viewer && { id: viewer } } });
    for (const accept of ['application/json', 'application/graphql-response+json', 'application/json']) {
      const response = await post(gateway, JSON.stringify({ query }), 'application/json', { accept });
      expect(response.headers.get('content-type')).toContain(accept);
    }
  });

  test('ends with a change that its viewer makes', async () => {
    const { ask } = await open();
    const query = '{ user(id: "star") { viewerIsFollowing fans { nodes { id } } } }';
    for (let i = 0; i < 2; i++)
      expect(await ask(query, 'anna')).toEqual({ data: { user: { viewerIsFollowing: false, fans: { nodes: [] } } } });
    await ask('mutation { followUsers(input: { userIds: ["star"] }) { viewer { id } } }', 'anna');
    const after = { data: { user: { viewerIsFollowing: true, fans: { nodes: [{ id: 'anna' }] } } } };
    expect(await ask(query, 'anna')).toEqual(after);
  });
});
