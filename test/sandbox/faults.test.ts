import { expect, test } from 'vitest';
import type { FaultPatch } from '../../src/sandbox/faults.ts';
import { firstPage, manualClock, startSandbox } from './start-sandbox.ts';

async function withFans() {
  const sandbox = await startSandbox();
  for (const id of ['ana', 'bo', 'cy']) sandbox.world.importAccount(id);
  sandbox.world.addFans('ana', 4);
  return sandbox;
}

test('any code can be had, for some commands, for a while, for each n-th call', async () => {
  const { call, faults } = await withFans();
  const codes = async (calls: number) => {
    const seen: number[] = [];
    for (let n = 0; n < calls; n += 1) seen.push((await call('follow_get', firstPage('ana'))).ErrorCode);
    return seen;
  };
  faults.set({ error: { code: 60007, times: 3 } });
  expect(await codes(4)).toEqual([60007, 60007, 60007, 0]);
  faults.set({ error: { code: 30006, every: 2 } });
  expect(await codes(4)).toEqual([0, 30006, 0, 30006]);
  faults.set({ error: { code: 30007, every: 3, times: 1 } });
  expect(await codes(6)).toEqual([0, 0, 30007, 0, 0, 0]);
  faults.set({ error: { code: 30007, commands: ['follow_add'] } });
  expect(await codes(1)).toEqual([0]);
  faults.set({
    error: [
      { code: 1, times: 1 },
      { code: 2, times: 2 },
    ],
  });
  expect(await codes(4)).toEqual([1, 2, 2, 0]);
  faults.set({ error: null });
  expect(await codes(1)).toEqual([0]);
});

test('a lag of lists and checks leaves counts alone, and ends with time', async () => {
  const clock = manualClock();
  const { call, pages, world, faults } = await startSandbox({ clock });
  for (const id of ['ana', 'bo', 'cy']) world.importAccount(id);
  world.follow('bo', 'ana', 100);
  world.follow('ana', 'bo', 100);
  faults.set({ listsLag: { ms: 5000 } });
  world.unfollow('bo', 'ana');
  world.follow('cy', 'ana', 200);
  const members = async (type: number) => (await pages('ana', type, 10)).flat().map((item) => item.To_Account);
  const shown = async () => {
    const { ResultItem } = await call('follow_check', { From_Account: 'ana', To_Account: ['bo', 'cy'] });
    const relations = ResultItem.map((item) => item.FollowType);
    return { fans: await members(1), mutuals: await members(3), relations };
  };
  expect(await shown()).toEqual({ fans: ['bo'], mutuals: ['bo'], relations: [3, 0] });
  const { FollowInfo } = await call('follow_get_info', { From_Account: 'ana', To_Account: ['ana'] });
  expect(FollowInfo).toMatchObject([{ FollowerCount: 1, MutualFollowingCount: 0 }]);
  clock.advance(5000);
  expect(await shown()).toEqual({ fans: ['cy'], mutuals: [], relations: [2, 1] });
});

test('a malformed patch is refused with a message that names the bad part, and arms nothing', async () => {
  const { faults } = await withFans();
  const set = (patch: unknown) => () => faults.set(patch as FaultPatch);
  expect(set({ reset: true, thunder: true })).toThrow('Faults: ✖ Unrecognized key: "thunder"');
  expect(set({ latency: {} })).toThrow(/Fault latency: .*expected number, received undefined.*at ms/s);
  expect(set({ latency: { ms: 'long' } })).toThrow(/Fault latency: .*expected number, received string.*at ms/s);
  expect(set({ reset: { every: 0 } })).toThrow(/Fault reset: .*>0.*at every/s);
  expect(set({ reset: { when: 1 } })).toThrow('Fault reset: ✖ Unrecognized key: "when"');
  expect(set({ stuckCursor: { commands: ['portrait_get'] } })).toThrow(/Fault stuckCursor: .*at commands/s);
  expect(set({ rewrite: { pattern: '(', with: '' } })).toThrow(/Fault rewrite: .*regular expression.*at pattern/s);
  expect(set('all')).toThrow(/Faults: .*received string/);
  expect(faults.state()).toEqual({});
});
