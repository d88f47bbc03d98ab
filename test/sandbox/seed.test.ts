import { expect, test } from 'vitest';
import type { SandboxOptions } from '../../src/sandbox/sandbox.ts';
import { STAR } from '../../src/sandbox/seed.ts';
import { firstPage, startSandbox } from './start-sandbox.ts';

const seeded = (options: SandboxOptions = {}) => startSandbox({ people: 5000, ...options });

test('all the people are fans of the star, and both ends of its list can be read', async () => {
  const { call, world } = await seeded();
  expect(world.counts(STAR)).toEqual({ fans: 5000, follows: 50, mutuals: 50 });
  const { FollowItem = [], NextCursor } = await call('follow_get', firstPage(STAR, 1000));
  expect(FollowItem).toHaveLength(1000);
  expect(NextCursor).not.toBe('');
  const oldest = world.list(STAR, 'fans').at(-1)?.id ?? '';
  expect(oldest).toBe('user_00001');
  const relation = await call('follow_check', { From_Account: STAR, To_Account: [oldest, 'user_05001'] });
  expect(relation.ResultItem).toMatchObject([{ FollowType: 1 }, { ResultCode: 30003 }]);
});

test('the people are the same whatever the clock says', async () => {
  const pageOf = async (options: SandboxOptions) => {
    const { world } = await seeded(options);
    return world.list('user_00042', 'fans').map(({ id, time }) => [id, time, world.profile(id)?.items]);
  };
  expect(await pageOf({ clock: { now: () => 1_800_000_000_000 } })).toEqual(await pageOf({}));
});

test('each seeded person is shown with a picture that is there', async () => {
  const { call, url } = await seeded();
  const { FollowItem = [] } = await call('follow_get', firstPage(STAR));
  const images = FollowItem.flatMap(({ ProfileItem = [] }) => ProfileItem.filter(({ Tag }) => Tag.endsWith('_Image')));
  expect(images.length).toBeGreaterThan(50);
  const [first, second] = await Promise.all(
    images.slice(0, 2).map(async ({ Value }) => {
      expect(Value).toMatch(new RegExp(`^${url}/sandbox/avatars/\\w+\\.svg$`));
      const response = await fetch(String(Value));
      expect(response.headers.get('content-type')).toBe('image/svg+xml');
      return response.text();
    }),
  );
  expect(first).toMatch(/^<svg .*<\/svg>$/);
  expect(second).not.toBe(first);
});
