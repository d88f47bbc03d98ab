// A mini program that has the packed contract and the page's code, on a double of `wx`.
import type { MiniProgram } from 'follow-gateway-contract/mini-program';
import { told, untilTrue, url } from './told.ts';
import { wx as double } from './wx.ts';

declare global {
  const wx: MiniProgram;
  const GATEWAY: string;
  const CREDENTIALS: Record<string, string>;
}

Object.assign(globalThis, { wx: double, GATEWAY: url, CREDENTIALS: { 'x-viewer-id': 'anna' } });
const { fansAfter, gateway, listen } = await import('./mini-program.ts');
const { FansWithRelations, FollowUsers } = await import('follow-gateway-contract/texts');

const readButton = async () => {
  const { data } = await gateway.request(FansWithRelations, { userId: 'star', first: 20 });
  return data?.user?.fans?.edges.find(({ node }) => node.id === 'crowd_000344')?.node.viewerIsFollowing;
};
const before = await readButton();
const { data } = await gateway.request(FollowUsers, { input: { userIds: ['crowd_000344'] } });
const [result] = data?.followUsers?.results ?? [];
const button = [before, result?.__typename === 'FollowChanged' && result.user.viewerIsFollowing, await readButton()];

const members: string[] = [];
let after: string | null | undefined = null;
do {
  const fans = await fansAfter('star', after);
  members.push(...fans.edges.map(({ node }) => node.id));
  after = fans.pageInfo.hasNextPage ? fans.pageInfo.endCursor : undefined;
} while (after);

const fans: string[] = [];
listen('star', (id) => fans.unshift(id));
await untilTrue(() => fans.length > 0);
told({ button, members, afterEvent: [...fans, ...members].slice(0, 2) });
