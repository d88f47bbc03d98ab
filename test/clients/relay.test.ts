// Relay's runtime with what Relay's compiler has made, in front of the gateway.
import {
  type ConcreteRequest,
  ConnectionHandler,
  createOperationDescriptor,
  type ReaderFragment,
  requestSubscription,
} from 'relay-runtime';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openClient } from '../subscriptions/sockets.ts';
import { change, LISTS, type List, loadAll, openStar, openSubscriptions, SORTED } from './lists.ts';
import { compileFrontend, moduleOf } from './relay-app.ts';
import { openEnvironment, paginate, query } from './relay-environment.ts';

type Person = { id: string; nick: string | null; viewerIsFollowing: boolean | null };

let app: Awaited<ReturnType<typeof compileFrontend>>;
beforeAll(async () => {
  app = await compileFrontend();
});
afterAll(() => app.remove());

/** A star, and anna's screen with one of the star's lists, of which the first page is there. */
async function openScreen(list: List) {
  const star = await openStar();
  const socket = openClient(star, { 'x-viewer-id': 'anna' });
  const { environment, answers } = openEnvironment(star, { 'x-viewer-id': 'anna' }, socket);
  const read = await query(environment, app.load<ConcreteRequest>(`${moduleOf(list)}Query`), { userId: 'star' });
  const fragment = app.load<ReaderFragment>(`${moduleOf(list)}_user`);
  const screen = paginate<Person>(environment, fragment, () => read().user);
  const ids = () => screen.nodes().map(({ id }) => id);
  return { star, environment, answers, screen, ids };
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

test.each(LISTS)('%s are paged to the end: everybody once, in order', async (list) => {
  const { star, answers, screen, ids } = await openScreen(list);
  const members = star.membersOf(list);
  await loadAll(screen);
  expect(ids()).toEqual(members);
  expect(sent(answers)).toEqual(members);
  expect(answers).toHaveLength(Math.ceil(members.length / 20));
});

test.each(['forward', 'backward'] as const)('a list that is searched and sorted is paged %s', async (direction) => {
  const star = await openStar();
  const { environment, answers } = openEnvironment(star, {});
  const variables = direction === 'forward' ? { ...SORTED, first: 20, last: null } : SORTED;
  const read = await query(environment, app.load<ConcreteRequest>('SearchQuery'), variables);
  const fragment = app.load<ReaderFragment>('Search_user');
  const screen = paginate<Person>(environment, fragment, () => read().user, direction);
  await loadAll(screen);
  expect(screen.nodes().map(({ id }) => id)).toEqual(star.sortedFollows());
  expect(sent(answers)).toHaveLength(star.sortedFollows().length);
});

test('a subscription puts a new fan on top of the list and into its owner’s count, and takes them away again', async () => {
  const { star, environment, screen, ids } = await openScreen('fans');
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
  expect(inStore()).toBe(346);

  await screen.loadNext();
  expect(ids()).toHaveLength(41);
  await change(star, 'newcomer', 'unfollow');
  await expect.poll(ids).toEqual(star.membersOf('fans').slice(0, 40));
});

test('a field that failed is caught with its code, and the rest is shown', async () => {
  const star = await openStar();
  const { environment } = openEnvironment(star, {});
  const read = await query(environment, app.load<ConcreteRequest>('HeaderQuery'), { userId: 'nobody' });
  expect(read().user).toEqual({
    id: 'nobody',
    nick: { ok: false, errors: [{ extensions: expect.objectContaining({ code: 'USER_NOT_FOUND' }) }] },
    viewerIsFollowing: { ok: true, value: null },
  });
});

test('a user whom a list has brought is shown without a query', async () => {
  const { environment } = await openScreen('fans');
  const header = app.load<ConcreteRequest>('HeaderQuery');
  const stateOf = (userId: string) => environment.check(createOperationDescriptor(header, { userId })).status;
  expect(stateOf('crowd_000345')).toBe('available');
  expect(stateOf('crowd_000001')).toBe('missing');
});
