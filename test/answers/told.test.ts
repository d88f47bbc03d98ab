// A kept answer is given no longer than it is true: what the upstream tells of shows in the next one.
import { describe, expect, test } from 'vitest';
import { createRunningClock } from '../support/clock.ts';
import { ADD, DELETE, follows, PATH, PORTRAIT, TOKEN, tell, unfollows } from '../webhook/told-house.ts';
import { ask, askUntilKept, userIn } from './keeping.ts';
import { FANS_OF_STAR, fansOf, HEADER_OF_STAR, keep, openStar, type Screen, WITH_ANNA, WITHOUT_ANNA } from './star.ts';

describe('what the upstream tells of', () => {
  const openTold = async (env: Record<string, string> = {}) => {
    const house = await openStar({
      clock: createRunningClock(),
      env: { WEBHOOK_TOKEN: TOKEN, WEBHOOK_PATH: PATH, ...env },
    });
    house.sandbox.webhooks.connect({ url: `${house.url}${PATH}`, token: TOKEN });
    return house;
  };

  test.each(['30', '0'])('shows in the next answer: follows and unfollows, with a lag of %s s', async (lag) => {
    const house = await openTold({ WRITE_LAG_SECONDS: lag });
    const { act, webhooks } = house.sandbox;
    await keep(house);
    act.follow('anna', 'star');
    await webhooks.settled();
    await expect.poll(() => fansOf(house)).toEqual(WITH_ANNA);
    await keep(house);
    act.unfollow('anna', 'star');
    await webhooks.settled();
    await expect.poll(() => fansOf(house)).toEqual(WITHOUT_ANNA);
  });

  test('shows in the next answer: a profile by itself, and in each list that it stands in', async () => {
    const house = await openTold();
    const { act, webhooks } = house.sandbox;
    await keep(house);
    await askUntilKept(house, HEADER_OF_STAR);
    act.setProfile('star', { Tag_Profile_IM_Nick: 'New' });
    act.setProfile('crowd_000002', { Tag_Profile_IM_Nick: 'Newer' });
    await webhooks.settled();
    const nicks = async () => {
      const { nick, fans } = userIn<Screen>(await ask(house, FANS_OF_STAR));
      return [nick, ...fans.edges.map(({ node }) => node.nick)];
    };
    await expect.poll(nicks).toEqual(['New', 'Crowd 3', 'Newer', 'Crowd 1']);
    const { answer } = await ask(house, HEADER_OF_STAR);
    expect(answer.data).toMatchObject({ user: { nick: 'New' } });
    await keep(house);
    expect(await nicks()).toEqual(['New', 'Crowd 3', 'Newer', 'Crowd 1']);
  });

  test('shows in the next answer: a profile in a list, although the list is the same', async () => {
    const house = await openTold();
    await keep(house);
    house.sandbox.act.setProfile('crowd_000002', { Tag_Profile_IM_Nick: 'Newer' });
    await house.sandbox.webhooks.settled();
    await expect.poll(async () => (await ask(house, FANS_OF_STAR)).text).toContain('"nick":"Newer"');
  });

  test('is believed no more than the upstream itself: a hint that is wrong has the truth read anew', async () => {
    const house = await openTold();
    await keep(house);
    await tell(house, ADD, follows('bert', ['star']));
    await tell(house, DELETE, unfollows('crowd_000001', ['star']));
    await tell(house, PORTRAIT, {
      From_Account: 'star',
      ProfileItem: [{ Tag: 'Tag_Profile_IM_Nick', Value: 'Forged' }],
    });
    await expect.poll(() => fansOf(house)).toEqual(WITHOUT_ANNA);
    const { answer } = await ask(house, FANS_OF_STAR);
    expect(answer.data).toMatchObject({ user: { nick: null } });
  });
});

test.each(['whole', 'partial'])('a profile in a list is as it is now, with EMBEDDED_PROFILE=%s', async (embedded) => {
  const house = await openStar({ env: { EMBEDDED_PROFILE: embedded, PROFILE_FRESH_SECONDS: '10' } });
  house.sandbox.world.setProfile('crowd_000001', { Tag_Profile_IM_Image: 'https://example.com/old' });
  await askUntilKept(house, FANS_OF_STAR);
  house.sandbox.world.setProfile('crowd_000001', { Tag_Profile_IM_Image: 'https://example.com/new' });
  house.sandbox.world.setProfile('crowd_000002', { Tag_Profile_IM_Image: 'https://example.com/first' });
  house.clock.advance(31_000);
  const avatars = async () => {
    const { edges } = userIn<Screen>(await ask(house, FANS_OF_STAR)).fans;
    return edges.map(({ node }) => node.avatar);
  };
  await expect.poll(avatars).toEqual([null, 'https://example.com/first', 'https://example.com/new']);
});
