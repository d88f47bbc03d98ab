// The command `export`: whom a user follows and who follows them, as `import` takes it.
import { type Environment, readConfig } from '../config.ts';
import { CommandFailure, GatewayError, outcomeOf, UsageError } from '../errors.ts';
import type { FollowPage } from '../follow/model.ts';
import { readMembers } from '../follow/select-members.ts';
import { writeLine } from './csv.ts';
import { connectUpstream, createPauses, failureOf, inBackground } from './upstream.ts';

/** Ten million members: the pages of a broken upstream may have no end. */
const MAX_PAGES = 10_000;

/** Runs the command; resolves with the edges, oldest first, those that the user made before those to the user. */
export async function exportUser(env: Environment, userId: string, format: string): Promise<string> {
  const config = readConfig(env);
  if (!config.userIdPattern.test(userId)) throw new UsageError(`"${userId}" cannot be a UserID.`);
  const upstream = await connectUpstream(config);
  const edges: { from: string; to: string; followedAt: string | null }[] = [];
  for (const list of ['follows', 'fans'] as const) {
    const readPage = (start: string, size: number) =>
      insist(() => upstream.follows.readPage({ userId, list, start, size }, inBackground()));
    const { members, isComplete } = await readMembers(readPage, { maxPages: MAX_PAGES });
    if (!isComplete) throw new CommandFailure(`The upstream does not come to an end of the ${list} of ${userId}.`);
    for (const { user, followedAt: seconds } of members.toReversed()) {
      const [from, to] = list === 'follows' ? [userId, user.id] : [user.id, userId];
      edges.push({ from, to, followedAt: seconds === 0 ? null : new Date(seconds * 1000).toISOString() });
    }
  }
  await upstream.close();
  if (format === 'json') return `${JSON.stringify(edges, null, 2)}\n`;
  const lines = edges.map(({ from, to, followedAt }) => writeLine([from, to, followedAt ?? '']));
  return `from,to,followedAt\n${lines.join('')}`;
}

async function insist(read: () => Promise<FollowPage>): Promise<FollowPage> {
  const pause = createPauses();
  for (;;) {
    const page = await outcomeOf(read);
    if (!(page instanceof GatewayError)) return page;
    if (!(await pause(page))) throw failureOf(page);
  }
}
