// Relay's runtime with what Relay's compiler has made, in front of the gateway.
import {
  type ConcreteRequest,
  ConnectionHandler,
  commitMutation,
  createOperationDescriptor,
  type ReaderFragment,
  requestSubscription,
  type Variables,
} from 'relay-runtime';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openClient } from '../subscriptions/sockets.ts';
import { change, LISTS, type List, loadAll, openStar, openSubscriptions, SORTED } from './lists.ts';
import { compile, FRONTEND, moduleOf } from './relay-app.ts';
import { openEnvironment, paginate, query } from './relay-environment.ts';

type Person = { id: string; nick: string | null; viewerIsFollowing: boolean | null };

/** A star, and anna's screen with one of the star's lists, of which the first page is there. */
async function openScreen(list: List) {
  const star = await openStar();
  const app = await compile(FRONTEND);
  const socket = openClient(star, { 'x-viewer-id': 'anna' });
  const { environment, answers } = openEnvironment(star, { 'x-viewer-id': 'anna' }, socket);
  const open = () => query(environment, app.load<ConcreteRequest>(`${moduleOf(list)}Query`), { userId: 'star' });
  const read = await open();
  const fragment = app.load<ReaderFragment>(`${moduleOf(list)}_user`);
  const screen = paginate<Person>(environment, fragment, () => read().user);
  const ids = () => screen.nodes().map(({ id }) => id);
  return { star, app, environment, answers, screen, ids, refetch: open };
}

/** All users whom the network has brought: the store drops a user who comes twice, so it cannot tell. */
function sent(answers: unknown[]): string[] {
  return answers.flatMap((answer) => {
    const { data } = answer as { data: Record<string, Record<string, { edges: { node: { id: string } }[] }>> };
    return Object.values(data).flatMap((user) =>
      Object.values(user).flatMap(({ edges }) => edges?.map(({ node }) => node.id) ?? []),
    );
  });
}

describe.each(LISTS)('%s', (list) => {
  test('are paged to the end: everybody once, in order', async () => {
    const { star, answers, screen, ids } = await openScreen(list);
    const members = star.membersOf(list);

    await loadAll(screen);

    expect(ids()).toEqual(members);
    expect(sent(answers)).toEqual(members);
    expect(answers).toHaveLength(Math.ceil(members.length / 20));
  });
});

test.each(['forward', 'backward'] as const)('a list that is searched and sorted is paged %s', async (direction) => {
  const star = await openStar();
  const app = await compile(FRONTEND);
  const { environment, answers } = openEnvironment(star, {});
  const variables = direction === 'forward' ? { ...SORTED, first: 20, last: null } : SORTED;
  const read = await query(environment, app.load<ConcreteRequest>('SearchQuery'), variables);
  const fragment = app.load<ReaderFragment>('Search_user');
  const screen = paginate<Person>(environment, fragment, () => read().user, direction);
  await loadAll(screen);
  expect(screen.nodes().map(({ id }) => id)).toEqual(star.sortedFollows());
  expect(sent(answers)).toHaveLength(star.sortedFollows().length);
});

test('somebody who becomes a fan while the list is paged repeats no member and hides none', async () => {
  const { star, answers, screen, ids, refetch } = await openScreen('fans');
  const members = star.membersOf('fans');
  await loadAll(screen, (pages) => pages === 4 && star.gainFan('newcomer'));

  expect(ids()).toEqual(members);
  expect(sent(answers)).toEqual(members);

  await refetch();
  expect(ids()).toEqual(['newcomer', ...members.slice(0, 19)]);
  expect(screen.hasNext()).toBe(true);
});

test('a follow button shows everywhere what became of it', async () => {
  const { app, environment, screen } = await openScreen('fans');
  const stranger = screen.nodes().find(({ viewerIsFollowing }) => viewerIsFollowing === false);

  const { followUsers } = await new Promise<{ followUsers: unknown }>((resolve, reject) =>
    commitMutation<{ variables: Variables; response: { followUsers: unknown } }>(environment, {
      mutation: app.load<ConcreteRequest>('FollowButton_followUsers_Mutation'),
      variables: { input: { userIds: [stranger?.id, 'nobody'] } },
      onCompleted: resolve,
      onError: reject,
    }),
  );

  expect(followUsers).toMatchObject({
    results: [
      { __typename: 'FollowChanged', user: { id: stranger?.id, viewerIsFollowing: true } },
      { __typename: 'FollowFailure', userId: 'nobody', reason: 'USER_NOT_FOUND' },
    ],
    viewer: { id: 'anna' },
  });
  expect(screen.nodes().find(({ id }) => id === stranger?.id)?.viewerIsFollowing).toBe(true);
});

test('a subscription puts a new fan on top of the list and into its owner’s count, and takes them away again', async () => {
  const { star, app, environment, screen, ids } = await openScreen('fans');
  const before = ids();
  const connections = [ConnectionHandler.getConnectionID('star', 'Fans_fans')];
  const subscription = requestSubscription(environment, {
    subscription: app.load<ConcreteRequest>('EventsFansSubscription'),
    variables: { userId: 'star', connections },
  });
  onTestFinished(() => subscription.dispose());
  await expect.poll(() => openSubscriptions(star)).toBe(1);
  star.sandbox.world.importAccount('newcomer', { Tag_Profile_IM_Nick: 'Newcomer' });

  await change(star, 'newcomer', 'follow');
  await expect.poll(ids).toEqual(['newcomer', ...before]);
  expect(screen.nodes()[0]).toMatchObject({ nick: 'Newcomer', viewerIsFollowing: false });
  const inStore = () => environment.getStore().getSource().get('star')?.fansCount;
  expect(inStore()).toBe(before.length > 0 ? star.membersOf('fans').length : 0);

  await screen.loadNext();
  expect(ids()).toHaveLength(41);
  await change(star, 'newcomer', 'unfollow');
  await expect.poll(ids).toEqual(star.membersOf('fans').slice(0, 40));
});

test('a field that failed is caught with its code, and the rest is shown', async () => {
  const star = await openStar();
  const app = await compile(FRONTEND);
  const { environment } = openEnvironment(star, {});
  const read = await query(environment, app.load<ConcreteRequest>('HeaderQuery'), { userId: 'nobody' });

  expect(read().user).toEqual({
    id: 'nobody',
    nick: { ok: false, errors: [{ extensions: expect.objectContaining({ code: 'USER_NOT_FOUND' }) }] },
    viewerIsFollowing: { ok: true, value: null },
  });
});

test('a user whom a list has brought is shown without a query', async () => {
  const { app, environment } = await openScreen('fans');
  const header = app.load<ConcreteRequest>('HeaderQuery');
  const stateOf = (userId: string) => environment.check(createOperationDescriptor(header, { userId })).status;
  expect(stateOf('crowd_000345')).toBe('available');
  expect(stateOf('crowd_000001')).toBe('missing');
});
