import { describe, expect, test } from 'vitest';
import type { SandboxOptions } from '../../src/sandbox/sandbox.ts';
import { HERMIT, personId, STAR } from '../../src/sandbox/seed.ts';
import { firstPage, startSandbox } from './start-sandbox.ts';

const seeded = (options: SandboxOptions = {}) => startSandbox({ emptyWorld: false, ...options });

test('UserID_001 has the two fans of the upstream’s own sample', async () => {
  const { call, world } = await seeded();
  expect((await call('follow_get', firstPage('UserID_001'))).FollowItem).toEqual(
    [
      { number: 2, allowType: 'AllowType_Type_DenyAny' },
      { number: 3, allowType: 'AllowType_Type_AllowAny' },
    ].map(({ number, allowType }) => ({
      To_Account: `UserID_00${number}`,
      FollowTime: 1702262118,
      ProfileItem: [
        { Tag: 'Tag_Profile_IM_Nick', Value: `NickNameTest${number}` },
        { Tag: 'Tag_Profile_IM_AllowType', Value: allowType },
        { Tag: 'Tag_Profile_IM_SelfSignature', Value: `I'm Test${number}` },
        { Tag: 'Tag_Profile_Custom_Test', Value: `Custom Data${number}` },
      ],
      profile_sequence: 1,
    })),
  );
  expect(world.counts('UserID_001')).toEqual({ fans: 2, follows: 4, mutuals: 0 });
  expect(world.counts('UserID_002')).toEqual({ fans: 0, follows: 1, mutuals: 0 });
});

test('the star has exactly 100,000 fans, and both ends of its list can be read', async () => {
  const { call, world } = await seeded();
  expect(world.counts(STAR)).toEqual({ fans: 100_000, follows: 50, mutuals: 50 });
  const { FollowItem = [], NextCursor } = await call('follow_get', firstPage(STAR, 1000));
  expect(FollowItem).toHaveLength(1000);
  expect(NextCursor).not.toBe('');
  const oldest = world.list(STAR, 'fans').at(-1)?.id ?? '';
  expect(oldest).toBe('fan_000001');
  const relation = await call('follow_check', { From_Account: STAR, To_Account: [oldest, 'fan_100001'] });
  expect(relation.ResultItem).toMatchObject([{ FollowType: 1 }, { ResultCode: 30003 }]);
});

describe('fame', () => {
  test('falls off by a power law, with exact and known numbers of fans', async () => {
    const { world } = await seeded();
    const fans = (number: number) => world.counts(personId(number)).fans;
    expect([1, 2, 10, 42, 100, 1000, 5000].map(fans)).toEqual([2345, 1346, 371, 117, 58, 9, 2]);
    expect(world.counts(HERMIT)).toEqual({ fans: 0, follows: 0, mutuals: 0 });
    expect(world.has('administrator')).toBe(true);
  });

  test('leaves some tags unset on some people, and a nick on everybody', async () => {
    const { world } = await seeded();
    const people = Array.from({ length: 5000 }, (_, index) => world.profile(personId(index + 1))?.items ?? []);
    const having = (tag: string) => people.filter((items) => items.some((item) => item.Tag === tag)).length;
    expect(having('Tag_Profile_IM_Nick')).toBe(5000);
    for (const tag of [
      'Tag_Profile_IM_Image',
      'Tag_Profile_IM_Gender',
      'Tag_Profile_IM_BirthDay',
      'Tag_Profile_Custom_Team',
    ]) {
      expect(having(tag)).toBeGreaterThan(1000);
      expect(having(tag)).toBeLessThan(5000);
    }
  });
});

test('the same seed gives the same pages whatever the clock says, another seed others', async () => {
  const pageOf = async (options: SandboxOptions) => {
    const { call } = await seeded(options);
    return (await call('follow_get', firstPage('user_00042'))).FollowItem;
  };
  const page = await pageOf({ seed: 7 });
  expect(await pageOf({ seed: 7, clock: { now: () => 1_800_000_000_000 } })).toEqual(page);
  expect(await pageOf({ seed: 8 })).not.toEqual(page);
});

test('a sandbox that serves avatars shows each seeded person with a picture that is there', async () => {
  const { call, url } = await seeded({ servesAvatars: true });
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
