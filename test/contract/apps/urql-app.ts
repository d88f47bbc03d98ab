// urql with Graphcache in an app that has the packed contract and the page's code.
import {
  FansScreenDocument,
  FansWithRelationsDocument,
  FollowEventsDocument,
  FollowUsersDocument,
  SearchFollowsDocument,
  ViewerScreenDocument,
} from 'follow-gateway-contract';
import { told, untilTrue, url } from './told.ts';
import { createUrql } from './urql.ts';

const client = createUrql(url, { 'x-viewer-id': 'anna' });
const variables = { userId: 'star', first: 20 };

await client.query(FansWithRelationsDocument, variables);
const isFollowed = () => {
  const edges = client.readQuery(FansWithRelationsDocument, variables)?.data?.user?.fans?.edges;
  return edges?.find(({ node }) => node.id === 'crowd_000344')?.node.viewerIsFollowing;
};
let viewerFollows: string[] = [];
client.query(ViewerScreenDocument, { first: 2 }).subscribe(({ data }) => {
  viewerFollows = data?.viewer?.follows?.edges.map(({ node }) => node.id) ?? [];
});
await untilTrue(() => viewerFollows.length === 2);
const before = isFollowed();
const pressed = client.mutation(FollowUsersDocument, { input: { userIds: ['crowd_000344'] } }).toPromise();
const meanwhile = isFollowed();
await pressed;
const button = [before, meanwhile, isFollowed()];
// The viewer's lists are asked for again after a change.
await untilTrue(() => viewerFollows[0] === 'crowd_000344');

const load = (after: string | null) => client.query(FansScreenDocument, { ...variables, after }).toPromise();
let members: string[] = [];
let after: string | null = null;
do {
  const { data } = await load(after);
  const fans = data?.user?.fans;
  members = fans?.edges.map(({ node }) => node.id) ?? [];
  after = fans?.pageInfo.hasNextPage ? fans.pageInfo.endCursor : null;
} while (after !== null);

const sorted = { userId: 'star', matching: 'CROWD', orderBy: 'NICK_ASC', first: null, last: 20 } as const;
const loadBefore = (before: string | null) => client.query(SearchFollowsDocument, { ...sorted, before }).toPromise();
let searched: string[] = [];
let start: string | null = null;
do {
  const { data } = await loadBefore(start);
  const follows = data?.user?.follows;
  searched = follows?.edges.map(({ node }) => node.id) ?? [];
  start = follows?.pageInfo.hasPreviousPage ? follows.pageInfo.startCursor : null;
} while (start !== null);

let top: string[] = [];
client.query(FansScreenDocument, variables).subscribe(({ data }) => {
  top = data?.user?.fans?.edges.map(({ node }) => node.id) ?? [];
});
client.subscription(FollowEventsDocument, { userId: 'star' }).subscribe(() => {});
await untilTrue(() => top[0] === 'newcomer');
told({ button, members, afterEvent: top.slice(0, 2), rest: { viewerFollows, searched } });
