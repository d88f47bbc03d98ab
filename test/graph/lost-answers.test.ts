// Changes whose answer from the upstream is lost: what was done is found out, and clients are told the truth.
import { describe, expect, test } from 'vitest';
import { createRunningClock } from '../support/clock.ts';
import { callCounts } from '../support/gateway.ts';
import { TRUNCATED } from '../support/sandbox.ts';
import { at, change, expectTruth, LAGGING, LOOK_AGAIN, openWorld, type World } from './world.ts';

const LOST = [
  ['answerLost', {}],
  ['reset', {}],
  ['silence', {}],
  ['rewrite', TRUNCATED],
] as const;
const MUTUALS = ['anna bert', 'bert anna'];

/** What anna does to bert and cleo, the calls that are lost, what was before, and what is told and so afterwards. */
const CHANGES = [
  ['followUsers', 'follow_add', 1, [], ['bert Changed', 'cleo Changed'], [0, 2, false]],
  ['unfollowUsers', 'follow_delete', 1, ['anna bert'], ['bert Changed', 'cleo Unchanged'], [0, 0, false]],
  ['removeFans', 'follow_delete', 2, ['bert anna', 'cleo anna'], ['bert Changed', 'cleo Changed'], [0, 0, false]],
  ['blockUsers', 'black_list_add', 1, MUTUALS, ['bert Changed', 'cleo Changed'], [0, 0, true]],
  ['blockUsers', 'follow_delete', 3, MUTUALS, ['bert Changed', 'cleo Changed'], [0, 0, true]],
  ['unblockUsers', 'black_list_delete', 1, MUTUALS, ['bert Changed', 'cleo Unchanged'], [1, 1, false]],
] as const;

describe.each(LOST)('an answer that is lost (%s)', (fault, rule) => {
  // A call that was done is not done again; one that was not is sent once more, after a look.
  const again = fault === 'reset' || fault === 'silence' ? 1 : 0;
  const open = (follows: readonly string[] = []) =>
    openWorld({ clock: createRunningClock(), env: { UPSTREAM_TIMEOUT_MS: '1500' }, follows });

  test.each(CHANGES)('of %s (%s) ends in the truth', async (field, command, calls, follows, results, after) => {
    const gateway = await open(follows);
    const { world, faults } = gateway;
    if (field === 'unblockUsers') world.setBlocked('anna', 'bert', true);
    else await expectTruth(gateway, ['anna bert']);
    faults.set({ [fault]: { ...rule, commands: [command], times: 1 } });
    expect(await change(gateway, field, 'anna', ['bert', 'cleo'])).toEqual(results);
    await expectTruth(gateway, ['anna bert', 'anna cleo']);
    const { fans, follows: left } = world.counts('anna');
    expect([fans, left, world.hasBlocked('anna', 'bert')]).toEqual(after);
    expect(callCounts(gateway)[command]).toBe(calls + again);
  });

  test('of an edited profile ends in the truth', async () => {
    const gateway = await open();
    gateway.faults.set({ [fault]: { ...rule, commands: ['portrait_set'], times: 1 } });
    expect(await edit(gateway)).toEqual([]);
    expect(gateway.world.profile('anna')?.items).toContainEqual({ Tag: 'Tag_Profile_IM_Nick', Value: 'New' });
    expect(callCounts(gateway)).toEqual({ portrait_set: 1 + again, portrait_get: 1 });
  });
});

async function edit(gateway: World) {
  const query =
    'mutation { updateProfile(input: { nick: "New", birthday: null }) { failures { field reason message } } }';
  return at(await gateway.as('anna').data(query), 'updateProfile.failures');
}

test.each(['followUsers', 'unfollowUsers'] as const)(
  '%s is not believed done because a lagging upstream still shows what was before the opposite',
  async (field) => {
    const isFollow = field === 'followUsers';
    const gateway = await openWorld({ follows: isFollow ? ['anna bert'] : [] });
    gateway.faults.set(LAGGING);
    const opposite = isFollow ? 'unfollowUsers' : 'followUsers';
    expect(await change(gateway, opposite, 'anna', ['bert'])).toEqual(['bert Changed']);
    gateway.faults.set({ reset: { commands: [isFollow ? 'follow_add' : 'follow_delete'], times: 1 } });
    expect(await change(gateway, field, 'anna', ['bert'])).toEqual(['bert Changed']);
    expect(gateway.world.followTime('anna', 'bert') !== undefined).toBe(isFollow);
  },
);

test('a change whose second try is refused is called unknown while the upstream may not show the first', async () => {
  const gateway = await openWorld({ clock: createRunningClock() });
  const commands = ['follow_add' as const];
  gateway.faults.set({ ...LAGGING, answerLost: { commands, times: 1 }, error: { code: 60010, commands, every: 2 } });
  expect(await change(gateway, 'followUsers', 'anna', ['bert'])).toEqual(['bert UNKNOWN_OUTCOME']);
  expect(gateway.world.followTime('anna', 'bert')).toBeDefined();
});

describe('a change that cannot be found again is called unknown, and read again', () => {
  test.each([
    ['followUsers', 'follow_add', 'follow_check'],
    ['blockUsers', 'black_list_add', 'black_list_check'],
  ] as const)('%s', async (field, command, check) => {
    const gateway = await openWorld();
    const { faults, world } = gateway;
    await expectTruth(gateway, ['anna bert']);
    faults.set({ answerLost: { commands: [command] }, error: { code: 30006, commands: [check] } });
    expect(await change(gateway, field, 'anna', ['bert'])).toEqual(['bert UNKNOWN_OUTCOME']);
    faults.reset();
    expect(world.followTime('anna', 'bert') !== undefined || world.hasBlocked('anna', 'bert')).toBe(true);
    await expectTruth(gateway, ['anna bert']);
  });

  test('updateProfile', async () => {
    const gateway = await openWorld();
    const nick = async () => at(await gateway.as('anna').data('{ viewer { nick } }'), 'viewer.nick');
    expect(await nick()).toBeNull();
    const { faults } = gateway;
    faults.set({ answerLost: { commands: ['portrait_set'] }, error: { code: 40006, commands: ['portrait_get'] } });
    expect(await edit(gateway)).toEqual([{ field: null, reason: 'UNKNOWN_OUTCOME', message: LOOK_AGAIN }]);
    faults.reset();
    expect(await nick()).toBe('New');
  });
});

test('a change is not looked for when nothing can have been done', async () => {
  const gateway = await openWorld();
  gateway.faults.set({ error: { code: 60010, commands: ['follow_add'] } });
  expect(await change(gateway, 'followUsers', 'anna', ['bert'])).toEqual(['bert UNAVAILABLE']);
  // One look before it, for what was.
  expect(callCounts(gateway).follow_check).toBe(1);
});
