// A page of 1,000 is answered by what another replica left in Redis.
import { describe, expect, test } from 'vitest';
import { type Answer, openGateway } from '../support/gateway.ts';
import { SHARED_STORAGES, useStorage } from '../support/storage.ts';

const MEMBERS = 1000;

describe.each(SHARED_STORAGES)('on %s', (storage) => {
  const settings = useStorage(storage);

  test('a page of 1,000 that one replica read is answered whole by another, out of Redis', async () => {
    const { sdkAppId, env } = settings();
    const gateway = await openGateway({
      env: { ...env, MAX_PAGE_SIZE: '1000', REDIS_TIMEOUT_MS: '9000' },
      sandbox: { sdkAppId },
    });
    gateway.sandbox.world.addFans('star', MEMBERS);
    const query = `{ user(id: "star") { fans(first: ${MEMBERS}) { nodes { id nick avatar } } } }`;
    const { user } = await gateway.data<{ user: { fans: { nodes: { id: string }[] } } }>(query);
    expect(new Set(user.fans.nodes.map(({ id }) => id)).size).toBe(MEMBERS);

    gateway.sandbox.faults.set({ error: { code: 60026 } });
    let answer: Answer;
    // Redis has the page some time after the answer; each replica that asks knows nothing by itself.
    do answer = await (await gateway.openReplica()).query(query);
    while (answer.errors);
    expect(answer.data).toEqual({ user });
  });
});
