// Relay's compiler on the schema: what a frontend may write, and that it would say so if it may not.
import { describe, expect, test } from 'vitest';
import { LISTS } from './lists.ts';
import { compile, FRONTEND, moduleOf } from './relay-app.ts';

test.each(['javascript', 'typescript'] as const)(
  'a whole frontend in %s compiles, with mutations and subscriptions',
  async (language) => {
    const { artifacts } = await compile(FRONTEND, language);
    expect(artifacts).toEqual(
      expect.arrayContaining([
        ...LISTS.map((list) => `${moduleOf(list)}PageQuery`),
        'FollowButton_followUsers_Mutation',
        'FollowButton_unfollowUsers_Mutation',
        'EventsFansSubscription',
        'EventsProfilesSubscription',
        'SearchPageQuery',
      ]),
    );
  },
);

describe('the compiler refuses', () => {
  const screen = (selection: string) => ({ Screen: [`query ScreenQuery { user(id: "a") { ${selection} } }`] });

  test.each([
    ['a field that there is not', 'followers { edges { node { id } } }', /followers/],
    ['to page backwards where one cannot', 'knownFans(last: 20) { edges { node { id } } }', /last/],
    ['a connection without edges', 'fans(first: 20) @connection(key: "Screen_fans") { totalCount }', /edges/],
    ['a connection on what is none', 'customFields @connection(key: "Screen_customFields") { key }', /connection/i],
  ])('%s', async (_title, selection, complaint) => {
    await expect(compile(screen(selection))).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(complaint),
    });
  });
});
