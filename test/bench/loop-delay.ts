// How long a page of 1,000 members keeps the event loop from anything else: step by step, and in a whole gateway.
//
//   node_modules/.bin/node test/bench/loop-delay.ts
//
// Gateways, sandbox and Redis are processes of their own, so that none of their work counts as another's. In a gateway
// that is measured a chain of setImmediate notes every turn of the loop; this file is preloaded for that. Time is counted
// without what the thread waited for a core that others had, where Linux tells that.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { createMemoryTier } from '../../src/cache/memory-tier.ts';
import { systemClock } from '../../src/clock.ts';
import * as codec from '../../src/follow/codec.ts';
import type { FollowPage } from '../../src/follow/model.ts';
import { createTencentClient } from '../../src/tencent/client.ts';
import { readEnvelope } from '../../src/tencent/envelope.ts';
import { createFollowService } from '../../src/tencent/follow-service.ts';
import { STANDARD_TAGS } from '../../src/tencent/profile.ts';
import { startRedisProcess } from '../support/redis-process.ts';

/**
 * What a gateway tells of a span of time, in milliseconds: its longest turn, and the histogram's longest delay, which
 * counts the waiting for a core too.
 */
type Turns = { longest: number; delay: number };
type Gateway = { url: string; watch(): Promise<void>; turns(): Promise<Turns> };
type Answer = { data: { user: { fans: { edges?: unknown[]; pageInfo: { endCursor: string } } } } };
type Member = { ProfileItem: { Tag: string; Value: string | number }[] };

const MEMBERS = 1000;
const STAR = 'star_100k';
/** Walked before anything counts, so that the code is compiled; and counted. */
const WARM_PAGES = 15;
const PAGES = 32;
const ROUNDS = 80;
const EDGES = `edges { cursor followedAt node { id nick avatar } }`;
/** \`members\` is what is wanted of them; the page is read from the upstream without it too. */
const queryOf = (members: '' | typeof EDGES) => `query Fans($id: ID!, $after: String) {
  user(id: $id) { fans(first: ${MEMBERS}, after: $after) { ${members} pageInfo { hasNextPage endCursor } } }
}`;

async function main(): Promise<void> {
  const sandbox = await startSandbox();
  const redis = await startRedisProcess();
  const settings = { ...sandbox, MAX_PAGE_SIZE: String(MEMBERS), LIST_FRESH_SECONDS: '3600', NODE_ENV: 'development' };
  const lines = [`${MEMBERS} members a page, Node ${process.version}, milliseconds: lower quartile (median)`, ''];
  const list = await fetchList(sandbox);
  lines.push(...(await stepsOf(`each with ${tagsEach(list)} tags`, list)));
  const full = withEveryTag(list);
  lines.push(...(await stepsOf(`each with ${tagsEach(full)} tags`, full)));

  const shared = { ...settings, REDIS_URL: redis.url };
  const alone = await startWatched(settings);
  lines.push(`${'the longest turn of a gateway'.padEnd(46)}turn          histogram of delays`);
  const measure = async (title: string, gateway: Gateway, members: '' | typeof EDGES) =>
    lines.push(turnsLine(title, await walk(gateway, queryOf(members))));
  await measure('read from the upstream, no member answered', alone, '');
  await measure('out of memory, all members answered', alone, EDGES);
  await measure('the same, cursors made already', alone, EDGES);
  await measure('read from the upstream, all members answered', await startWatched(settings), EDGES);
  await measure('read and kept in Redis, no member answered', await startWatched(shared), '');
  await measure('out of Redis, no member answered', await startWatched(shared), '');
  process.stdout.write(`${lines.join('\n')}\n`);
  await redis.close();
  process.exit();
}

/** Parses and keeps one list page again and again, each step timed by itself. */
async function stepsOf(title: string, body: object): Promise<string[]> {
  const bytes = Buffer.from(JSON.stringify(body));
  const spent = new Map<string, number[]>();
  const timed = <T>(step: string, work: () => T): T => {
    const startedAt = ownMs();
    const made = work();
    const rounds = spent.get(step) ?? [];
    spent.set(step, rounds);
    rounds.push(ownMs() - startedAt);
    return made;
  };
  for (let round = 0; round < ROUNDS; round++) {
    const answer = timed('JSON.parse', () => readEnvelope(200, bytes));
    if (answer.kind !== 'success') throw new Error('The sandbox refused.');
    const page = await readPage(answer.body, spent);
    timed('size of the page', () => codec.page.sizeOf(page));
    timed('priming, in one go', () => prime(page));
    const text = timed('written for Redis', () => codec.page.encode(page));
    if (timed('read from Redis', () => codec.page.decode(text)) === null) throw new Error('Redis would not give it.');
    timed(`${MEMBERS} profiles written for Redis`, () => {
      for (const { user } of page.entries) if (user.profile) codec.profile.encode(user.profile);
    });
  }
  const [, parsing = []] = [...spent].find(([step]) => step === 'JSON.parse') ?? [];
  return [
    `${title}, ${(bytes.length / 1024).toFixed(0)} kB`,
    ...[...spent].map(([step, all]) => {
      const rounds = all.slice(ROUNDS / 4);
      const share = (quartile(rounds) / quartile(parsing.slice(ROUNDS / 4))).toFixed(2);
      return `  ${step.padEnd(44)}${figures(rounds)}   ${share} of JSON.parse`;
    }),
    '',
  ];
}

/** All turns of the parser together. */
async function readPage(body: Record<string, unknown>, spent: Map<string, number[]>): Promise<FollowPage> {
  const service = createFollowService({ call: async () => body }, { onBehalfOf: 'administrator' });
  const call = { signal: new AbortController().signal, deadlineAt: Number.POSITIVE_INFINITY };
  const startedAt = ownMs();
  const page = await service.readPage({ userId: STAR, list: 'fans', start: '', size: MEMBERS }, call);
  spent.set('items to profiles', [...(spent.get('items to profiles') ?? []), ownMs() - startedAt]);
  return page;
}

function prime({ entries }: FollowPage): void {
  const tier = createMemoryTier({ maxBytes: 1e9, sizeOf: codec.profile.sizeOf });
  const times = { readAt: 1, freshUntil: 2, toldUntil: 2, usableUntil: 2, ticket: null, tick: 0, retryAt: 0 };
  for (const { user } of entries) tier.set(user.id, { value: user.profile, version: 1, failure: null, ...times });
}

/** Walks pages of 1,000, and answers the longest turn that each took. */
async function walk(gateway: Gateway, query: string): Promise<Turns[]> {
  const found: Turns[] = [];
  let after: string | null = null;
  for (let page = 0; page < WARM_PAGES + PAGES; page++) {
    await gateway.watch();
    const answer = await ask(gateway.url, { query, variables: { id: STAR, after } });
    const { edges, pageInfo } = answer.data.user.fans;
    if (edges && edges.length !== MEMBERS) throw new Error(`A page has ${edges.length} members.`);
    // What is done behind the answer counts too.
    await new Promise((resolve) => setTimeout(resolve, 60));
    const turns = await gateway.turns();
    if (page >= WARM_PAGES) found.push(turns);
    after = pageInfo.endCursor;
  }
  return found;
}

async function ask(url: string, body: object): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  return (await (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).json()) as Answer;
}

/** A page as the upstream sends it, of members who have little more than a name. */
function fetchList(settings: Record<string, string>): Promise<Record<string, unknown>> {
  const client = createTencentClient({
    baseUrl: settings.TENCENT_BASE_URL ?? '',
    sdkAppId: Number(settings.TENCENT_SDK_APP_ID),
    adminId: settings.TENCENT_ADMIN ?? '',
    secretKey: settings.TENCENT_SECRET_KEY ?? '',
    clock: systemClock,
  });
  const request = { From_Account: STAR, FollowType: 1, StartCursor: '', WantNum: MEMBERS };
  const call = { signal: new AbortController().signal, deadlineAt: systemClock.now() + 10_000 };
  return client.call('follow_get', request, call);
}

const membersOf = (list: Record<string, unknown>) => list.FollowItem as Member[];
const tagsEach = (list: Record<string, unknown>) =>
  (membersOf(list).reduce((sum, { ProfileItem }) => sum + ProfileItem.length, 0) / MEMBERS).toFixed(1);

/** The same members with all that the upstream has a standard tag for, and one tag of the app's own. */
function withEveryTag(list: Record<string, unknown>): Record<string, unknown> {
  const values: Record<string, string | number> = {
    Tag_Profile_IM_Gender: 'Gender_Type_Female',
    Tag_Profile_IM_AllowType: 'AllowType_Type_NeedConfirm',
    Tag_Profile_IM_AdminForbidType: 'AdminForbid_Type_None',
    Tag_Profile_IM_Image: 'https://cdn.example/avatars/',
    Tag_Profile_IM_BirthDay: 19_900_000,
  };
  const numbers = ['Language', 'MsgSettings', 'Level', 'Role'].map((name) => `Tag_Profile_IM_${name}`);
  const FollowItem = membersOf(list).map((member, index) => {
    const ProfileItem = [...STANDARD_TAGS, 'Tag_Profile_Custom_Team'].map((Tag) => {
      if (Tag === 'Tag_Profile_IM_Image') return { Tag, Value: `${values[Tag]}${index}.png` };
      if (Tag === 'Tag_Profile_IM_BirthDay') return { Tag, Value: 19_900_101 + (index % 28) };
      return { Tag, Value: values[Tag] ?? (numbers.includes(Tag) ? index % 7 : `Made up for member ${index}`) };
    });
    return { ...member, ProfileItem };
  });
  return { ...list, FollowItem };
}

/** Starts a sandbox, and answers the settings that lead a gateway to it. */
export function startSandbox(): Promise<Record<string, string>> {
  const child = spawn(process.execPath, [mainScript, 'sandbox', '--port', '0'], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return saidBy(child, (said) => {
    const settings = Object.fromEntries(
      Array.from(said.matchAll(/(TENCENT_\w+)=(\S+)/g), ([, name, value]) => [name, value]),
    );
    return settings.TENCENT_BASE_URL && settings;
  });
}

/** Starts a gateway that answers messages: `watch`, `turns`, and `cpu` with the CPU time that it has used. */
export async function startGateway(settings: Record<string, string>) {
  const child = spawn(process.execPath, ['--import', import.meta.url, mainScript], {
    env: { PATH: process.env.PATH, PORT: '0', ...settings },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  return { child, url: await saidBy(child, (said) => /http:\S+:\d+\/graphql/.exec(said)?.[0]) };
}

async function startWatched(settings: Record<string, string>): Promise<Gateway> {
  const { child, url } = await startGateway(settings);
  const told = async (word: string) => {
    child.send(word);
    return ((await once(child, 'message')) as [Turns])[0];
  };
  return { url, watch: async () => void (await told('watch')), turns: () => told('turns') };
}

const mainScript = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** Waits until a process has said what `find` finds. It ends when this one does. */
function saidBy<T>(child: ReturnType<typeof spawn>, find: (said: string) => T | undefined | ''): Promise<T> {
  process.once('exit', () => child.kill('SIGKILL'));
  let said = '';
  return new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error(`A process ended:\n${said}`)));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < 4096) said += text;
      const found = find(said);
      if (found) resolve(found);
    });
  });
}

function turnsLine(title: string, pages: readonly Turns[]): string {
  const columns = (['longest', 'delay'] as const).map((figure) => figures(pages.map((page) => page[figure])));
  return `  ${title.padEnd(44)}${columns.join('  ')}`;
}

const figures = (values: readonly number[]) =>
  `${quartile(values).toFixed(2).padStart(6)} (${median(values).toFixed(2)})`.padEnd(16);

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Three of four are larger: what else runs on the machine lengthens turns, and never shortens one. */
const quartile = (values: readonly number[]): number => quantile(values, 0.25);

function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;
}

/** A clock that stands still while this thread waits for a core. */
const ownMs = (() => {
  const text = Buffer.alloc(64);
  let file: number;
  try {
    file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  } catch {
    return () => performance.now();
  }
  return () => {
    const [, waitedNanos] = text.toString('latin1', 0, readSync(file, text, 0, text.length, 0)).split(' ');
    return performance.now() - Number(waitedNanos) / 1e6;
  };
})();

/** In a gateway: notes the longest turn of the loop between two messages. */
function watchLoop(): void {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  let isWatched = false;
  let longest = 0;
  let turnedAt = 0;
  const turn = () => {
    if (!isWatched) return;
    const now = ownMs();
    longest = Math.max(longest, now - turnedAt);
    turnedAt = now;
    setImmediate(turn);
  };
  process.on('message', (word) => {
    if (word === 'cpu') return process.send?.(process.cpuUsage());
    isWatched = word === 'watch';
    if (isWatched) {
      longest = 0;
      turnedAt = ownMs();
      histogram.reset();
      histogram.enable();
      setImmediate(turn);
    } else histogram.disable();
    process.send?.({ longest, delay: histogram.max / 1e6 });
  });
  // Whoever measures is gone: so is the gateway.
  process.once('disconnect', () => process.exit());
}

if (import.meta.main) await main();
else if (process.send) watchLoop();
