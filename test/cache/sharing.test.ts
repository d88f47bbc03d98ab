// What one replica has found out, the others need not ask for, and other apps do not see.
import { describe, expect, test } from 'vitest';
import { createRunningClock } from '../support/clock.ts';
import { openGateway } from '../support/gateway.ts';
import { SHARED_STORAGES, useStorage } from '../support/storage.ts';

describe.each(SHARED_STORAGES)('replicas on %s', (storage) => {
  const settings = useStorage(storage);

  async function open() {
    const { sdkAppId, env } = settings();
    const clock = createRunningClock();
    return { clock, ...(await openGateway({ env, clock, sandbox: { emptyWorld: true, clock, sdkAppId } })) };
  }

  test('an account that one found missing is missing for the other, as a handle too, until that expires', async () => {
    const { clock, sandbox, openReplica, ...gateway } = await open();
    const other = await openReplica();
    const missing = { data: { user: { nick: null } }, errors: [{ extensions: { code: 'USER_NOT_FOUND' } }] };
    const query = '{ user(id: "ghost") { nick } }';
    expect(await other.data('{ user(id: "ghost") { id } }')).toEqual({ user: { id: 'ghost' } });
    expect(await gateway.query(query)).toMatchObject(missing);
    expect(sandbox.calls.count()).toBe(1);
    expect(await gateway.query('{ user(id: "ghost") { id } }')).toMatchObject({ data: { user: null } });

    // Redis has it some time after the answer; each replica that asks knows nothing by itself.
    sandbox.faults.set({ error: { code: 60026 } });
    while ((await (await openReplica()).query(query)).errors?.[0]?.extensions.code !== 'USER_NOT_FOUND');
    sandbox.faults.reset();
    sandbox.calls.reset();
    expect(await other.query(query)).toMatchObject(missing);
    expect(sandbox.calls.count()).toBe(0);
    expect(await other.query('{ user(id: "ghost") { id } node(id: "ghost") { id } }')).toMatchObject({
      data: { user: null, node: null },
      errors: [{ message: 'There is no account "ghost".' }, { extensions: { code: 'USER_NOT_FOUND' } }],
    });

    sandbox.world.importAccount('ghost', { Tag_Profile_IM_Nick: 'Casper' });
    clock.advance(30_001);
    expect(await other.data(query)).toEqual({ user: { nick: 'Casper' } });
    expect(await gateway.data('{ user(id: "ghost") { id } }')).toEqual({ user: { id: 'ghost' } });
  });

  test('two apps in one Redis never see each other’s data', async () => {
    for (const fansCount of [2, 5]) {
      const gateway = await open();
      gateway.sandbox.world.addFans('star', fansCount);
      expect(await gateway.data('{ user(id: "star") { fansCount } }')).toEqual({ user: { fansCount } });
    }
  });
});
