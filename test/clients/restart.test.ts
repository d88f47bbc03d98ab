// A gateway that is replaced while clients are subscribed: each comes back by itself, with what the contract's package has for it.
import { ApolloClient, InMemoryCache } from '@apollo/client/core';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { subscriptionExchange, Client as Urql } from '@urql/core';
import { print } from 'graphql';
import { createClient as createSse } from 'graphql-sse';
import { expect, onTestFinished, test } from 'vitest';
import { possibleTypes, resumingLink } from '../../schema/client/apollo.ts';
import { createMiniProgramClient } from '../../schema/client/mini-program.ts';
import { resuming } from '../../schema/client/resuming.ts';
import { FollowEventsDocument } from '../../schema/documents.ts';
import { openGateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { freePort } from '../support/redis-process.ts';
import { change, openSubscriptions } from './lists.ts';
import { openResumingSocket } from './resuming-socket.ts';
import { wx } from './wx.ts';

type Tell = (event: unknown) => void;

const variables = { userId: 'star' };
const eventOf = (answer: { data?: unknown }) => (answer.data as { followEvents?: unknown } | undefined)?.followEvents;
/** How many connections of sockets were refused. */
let refusals = 0;
const openSocket = (url: string) => openResumingSocket(url, () => refusals++);
const sink = (tell: Tell) => ({
  next: (answer: object) => tell(eventOf(answer)),
  error: tell,
  complete: () => tell('over'),
});

/** Ways to subscribe, each as schema/CLIENTS.md sets it up. */
const WAYS: Record<string, (url: string, tell: Tell) => () => unknown> = {
  'graphql-ws': (url, tell) => {
    const client = openSocket(url);
    client.subscribe({ query: print(FollowEventsDocument), variables }, sink(tell));
    return () => client.dispose();
  },
  'graphql-sse': (url, tell) => {
    const client = resuming(createSse({ url: `${url}/graphql` }));
    client.subscribe({ query: print(FollowEventsDocument), variables }, sink(tell));
    return () => client.dispose();
  },
  Apollo: (url, tell) => {
    const client = new ApolloClient({ cache: new InMemoryCache(), link: new GraphQLWsLink(openSocket(url)) });
    client.subscribe({ query: FollowEventsDocument, variables }).subscribe((answer) => tell(eventOf(answer)));
    return () => client.stop();
  },
  'Apollo over HTTP alone': (url, tell) => {
    const client = new ApolloClient({
      cache: new InMemoryCache({ possibleTypes }),
      link: resumingLink({ uri: `${url}/graphql` }),
    });
    client.subscribe({ query: FollowEventsDocument, variables }).subscribe((answer) => tell(eventOf(answer)));
    return () => client.stop();
  },
  urql: (url, tell) => {
    const socket = openSocket(url);
    const exchange = subscriptionExchange({
      forwardSubscription: ({ query = '', variables }) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
      }),
    });
    const client = new Urql({ url: `${url}/graphql`, exchanges: [exchange] });
    return client.subscription(FollowEventsDocument, variables).subscribe((answer) => tell(eventOf(answer)))
      .unsubscribe;
  },
  'a mini program': (url, tell) => {
    const client = createMiniProgramClient(wx, { url: `${url}/graphql` });
    return client.subscribe(print(FollowEventsDocument), variables, sink(tell));
  },
};

test('graphql-ws, graphql-sse, Apollo (also over HTTP alone), urql and mini programs come back to another gateway at that address, also when it is not there at once, and miss and repeat nothing', async () => {
  const { url: REDIS_URL } = await startRedis();
  const PORT = String(await freePort());
  const env = { AUTH: 'development', METRICS_PORT: '0', REDIS_URL, REDIS_TIMEOUT_MS: '5000' };
  const first = await openGateway({ env: { ...env, PORT } });
  for (const id of ['star', 'anna', 'bert', 'cleo']) first.sandbox.world.importAccount(id);
  const elsewhere = await first.openReplica({ PORT: '0' });

  const told: Record<string, unknown[]> = {};
  for (const [name, subscribe] of Object.entries(WAYS)) {
    const events: unknown[] = [];
    told[name] = events;
    onTestFinished(async () => void (await subscribed()));
    const subscribed = subscribe(first.url, (event) => events.push(event));
  }
  const everybodyHeard = (...fans: string[]) => {
    const gained = fans.map((id) => ({ __typename: 'FanGained', user: { id }, owner: { id: 'star' } }));
    const expected = Object.fromEntries(Object.keys(WAYS).map((name) => [name, gained]));
    return expect.poll(() => told, { timeout: 30_000 }).toMatchObject(expected);
  };
  await expect.poll(() => openSubscriptions(first)).toBe(Object.keys(WAYS).length);
  await change(first, 'anna', 'follow');
  await everybodyHeard('anna');

  await first.instance.close();
  await expect.poll(() => refusals).toBeGreaterThanOrEqual(3);
  await change(elsewhere, 'bert', 'follow');
  const second = await first.openReplica({ PORT });
  await everybodyHeard('anna', 'bert');
  await change(second, 'cleo', 'follow');
  await everybodyHeard('anna', 'bert', 'cleo');
});
