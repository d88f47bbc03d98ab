// The upstream of every bench: a process that speaks the four commands of the mix on the wire, with a latency and, per
// command, the upstream's limit: a number of calls in any sliding second, 60007 above it (refused calls do not count).
//
//   LATENCY_MS=10 LIMIT=200 PORT=4100 node test/bench/reference/upstream.ts
//
// GET /stats tells the calls by command; POST /follow changes the world. Relations know changes alone, not the lists.
import { serve } from './serve.ts';
import { type Counts, createWorld, type Item, type ListName, rankOf, userOf } from './world.ts';

const LATENCY_MS = Number(process.env.LATENCY_MS ?? 0);
const LIMIT = Number(process.env.LIMIT ?? Number.POSITIVE_INFINITY);
const WINDOW_MS = 1000;
const LIST_OF_TYPE: Record<number, ListName> = { 1: 'fans', 2: 'follows', 3: 'mutuals' };
const SUCCESS = '"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ErrorDisplay":""';
const DONE = '"ResultCode":0,"ResultInfo":""';

/** What one of the commands is asked, of the fields that the mix needs. */
type Asked = { From_Account: string; To_Account: string[]; FollowType: number; StartCursor: string; WantNum: number };

const world = createWorld();
const stats: Record<string, { accepted: number; refused: number }> = {};
/** By command. */
const acceptedAt: Record<string, number[]> = {};

const profiles: string[] = [];
/** About 380 bytes, as profiles are on average. */
function profileOf(rank: number): string {
  const id = userOf(rank);
  profiles[rank] ??= JSON.stringify([
    { Tag: 'Tag_Profile_IM_Nick', Value: `Nick of ${id}` },
    { Tag: 'Tag_Profile_IM_Image', Value: `https://img.example.com/avatars/${id}.png` },
    { Tag: 'Tag_Profile_IM_Gender', Value: 'Gender_Type_Female' },
    { Tag: 'Tag_Profile_IM_AllowType', Value: 'AllowType_Type_NeedConfirm' },
    { Tag: 'Tag_Profile_IM_SelfSignature', Value: 'Likes long walks.' },
    { Tag: 'Tag_Profile_IM_Level', Value: 7 },
  ]);
  return profiles[rank];
}

const itemJson = ({ rank, followedAtSeconds }: Item): string =>
  `{"To_Account":"${userOf(rank)}","FollowTime":${followedAtSeconds},"ProfileItem":${profileOf(rank)},"profile_sequence":1}`;

const countsJson = (id: string, { fans, follows, mutuals }: Counts): string =>
  `{"To_Account":"${id}",${DONE},"FollowerCount":${fans},"FollowingCount":${follows},"MutualFollowingCount":${mutuals}}`;

function relationJson(from: string, to: string): string {
  const [mine, other] = [rankOf(from), rankOf(to)];
  const type = (world.isFollowing(other, mine) ? 1 : 0) + (world.isFollowing(mine, other) ? 2 : 0);
  return `{"To_Account":"${to}",${DONE},"FollowType":${type}}`;
}

const COMMANDS: Record<string, (asked: Asked) => string> = {
  follow_get({ From_Account: id, FollowType: type, StartCursor: cursor, WantNum: size }) {
    const { items, next } = world.page(rankOf(id), LIST_OF_TYPE[type] as ListName, cursor, size);
    return `{"FollowItem":[${items.map(itemJson).join()}],"NextCursor":"${next}",${SUCCESS}}`;
  },
  follow_get_info: ({ To_Account: ids }) =>
    `{"FollowInfo":[${ids.map((id) => countsJson(id, world.counts(rankOf(id)))).join()}],${SUCCESS}}`,
  follow_check: ({ From_Account: from, To_Account: ids }) =>
    `{"ResultItem":[${ids.map((to) => relationJson(from, to)).join()}],${SUCCESS}}`,
  portrait_get: ({ To_Account: ids }) =>
    `{"UserProfileItem":[${ids.map((id) => `{"To_Account":"${id}","ProfileItem":${profileOf(rankOf(id))},${DONE}}`).join()}],${SUCCESS}}`,
};

const refusal = (code: number) => `{"ActionStatus":"FAIL","ErrorCode":${code},"ErrorInfo":"","ErrorDisplay":""}`;

function answer(command: string, text: string): string {
  const run = COMMANDS[command];
  if (!run) return refusal(60009);
  stats[command] ??= { accepted: 0, refused: 0 };
  acceptedAt[command] ??= [];
  const now = performance.now();
  const isRefused = (acceptedAt[command].at(-LIMIT) ?? Number.NEGATIVE_INFINITY) > now - WINDOW_MS;
  stats[command][isRefused ? 'refused' : 'accepted']++;
  if (isRefused) return refusal(60007);
  acceptedAt[command].push(now);
  return run(JSON.parse(text) as Asked);
}

/** Answers with the followee's new number of fans. */
function follow(text: string): string {
  const { follower, followee } = JSON.parse(text) as { follower: number; followee: number };
  world.follow(follower, followee);
  return String(world.counts(followee).fans);
}

serve((url, text, send) => {
  const path = url.split('?', 1)[0] as string;
  if (path === '/stats') return send(JSON.stringify(stats));
  if (path === '/follow') return send(follow(text));
  const json = answer(path.slice(path.lastIndexOf('/') + 1), text);
  if (LATENCY_MS > 0) setTimeout(send, LATENCY_MS, json);
  else send(json);
});
