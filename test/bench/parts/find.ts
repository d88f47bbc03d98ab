// Finding in a list of 5,000 whose pages are in memory: how long it keeps the event loop, as CPU time of this thread.
import type { FollowEntry } from '../../../src/follow/model.ts';
import { createNames, type MemberOrder, readMembers, selectMembers } from '../../../src/follow/select-members.ts';
import { named } from '../../follow/service.ts';
import { quantile, type Section, table } from '../measuring/results.ts';

const MEMBERS = 5000;
const AIM_MS = 5;
const NICKS = ['Zoë Fernández', 'Ana Müller', 'Łukasz', '王芳', 'ＢＥＡ', 'Trần Linh'];
const WAYS: Record<string, { matching: string | null; orderBy: MemberOrder; last: number | null }> = {
  'search, newest first': { matching: 'MULLER 12', orderBy: 'FOLLOWED_AT_DESC', last: null },
  'search, by nick': { matching: 'a', orderBy: 'NICK_ASC', last: null },
  'all by nick': { matching: null, orderBy: 'NICK_ASC', last: null },
  'all from the end': { matching: null, orderBy: 'FOLLOWED_AT_DESC', last: 20 },
};

const members = Array.from({ length: MEMBERS }, (_, n): FollowEntry => {
  const nick = `${NICKS[n % NICKS.length]} ${(n * 7919) % MEMBERS}`;
  return { user: { id: `user_${n}`, profile: named(nick) }, followedAt: 1_700_000_000 - n };
});
const pageAt = (start: string) => {
  const end = Number(start) + 1000;
  return { entries: members.slice(Number(start), end), next: end < MEMBERS ? `${end}` : '' };
};

export async function find(quick: boolean): Promise<Section> {
  const rows: string[][] = [];
  for (const [name, way] of Object.entries(WAYS)) {
    const names = createNames(false);
    const times: number[] = [];
    for (let round = 0; round < (quick ? 50 : 500); round++) {
      const began = process.threadCpuUsage();
      const { members: read } = await readMembers(pageAt, { maxMembers: MEMBERS, maxPages: 10 });
      await names.prepare(read.map(({ user }) => user));
      const nameOf = ({ user }: FollowEntry) => names.nameOf(user);
      selectMembers(read, { ...way, after: null, before: null, first: 20, nameOf });
      const { user, system } = process.threadCpuUsage(began);
      times.push((user + system) / 1000);
    }
    const [first = 0, ...later] = times;
    const shown = [quantile(later, 0.25), quantile(later, 0.5), quantile(later, 0.95), first];
    rows.push([name, ...shown.map((ms) => ms.toFixed(2)), `≤ ${AIM_MS}`]);
  }
  return {
    title: 'Finding in a list of 5,000',
    how: 'CPU milliseconds of the thread for a page of 20. The first time makes the names, in turns of a hundred.',
    lines: table(['', 'lower quartile', 'median', 'p95', 'first time', 'aim'], rows),
  };
}
