// The reference mix at one rate and freshness, answered by gateways of this process on a simulated clock.
import { pino } from 'pino';
import { readConfig } from '../../../src/config.ts';
import { createGateway } from '../../../src/server.ts';
import { type Connection, openConnection } from '../measuring/connection.ts';
import { callsOf, settingsFor, startGateway, startUpstream } from '../measuring/servers.ts';
import { createMix } from '../reference/mix.ts';
import { createRandom } from '../reference/random.ts';
import { bytesOf, type Cursors, isRight, learnCursors } from '../whole-job/queries.ts';
import { createSimulatedClock } from './simulated-clock.ts';

export type Cell = { seed: number; perSecond: number; seconds: number; freshSeconds: number };
/** Upstream calls per 1,000 queries, by command. */
export type CallCounts = Record<string, number>;

/** So far simulated time goes on while a query is not answered: as long as the upstream would take. */
const MAX_WAIT_MS = 20;
const START_MS = Date.UTC(2026, 0, 1);
const NO_LIMIT = { UPSTREAM_RATE: '100000' };
const cursors: Cursors = new Map();

/** `redisUrls`: one for each replica; none: one replica with its memory alone. */
export async function runCell(cell: Cell, redisUrls: readonly string[]): Promise<CallCounts> {
  const { seed, perSecond, seconds, freshSeconds } = cell;
  const mix = () => createMix(seed, perSecond, seconds);
  const upstream = await startUpstream();
  const teacher = await startGateway(upstream, NO_LIMIT);
  await learnCursors(teacher.origin, mix(), cursors);
  await teacher.stop();

  const clock = createSimulatedClock(START_MS);
  const settings = { ...NO_LIMIT, LIST_FRESH_SECONDS: String(freshSeconds), PORT: '0' };
  const opening = (redisUrls.length > 0 ? redisUrls : [undefined]).map((REDIS_URL) => {
    // Real time hardly passes: a Redis that answers as fast as ever would seem slow.
    const config = readConfig({ ...settingsFor(upstream), ...settings, REDIS_URL, REDIS_TIMEOUT_MS: '10000' });
    return createGateway(config, { log: pino({ level: 'silent' }), clock });
  });
  const gateways = await Promise.all(opening);
  const origins = await Promise.all(gateways.map((gateway) => gateway.listen()));
  const idle = new Map(origins.map((origin) => [origin, [] as Connection[]]));
  const random = createRandom(seed + 2);
  const open = new Set<number>();
  const callsBefore = await callsOf(upstream);
  let queries = 0;
  let failure: Error | null = null;

  for (const query of mix()) {
    await clock.advanceTo(START_MS + query.at, () => {
      const [oldest = query.at] = open;
      return query.at - oldest > MAX_WAIT_MS;
    });
    if (failure) throw failure;
    queries++;
    open.add(query.at);
    const origin = origins[Math.floor(random() * origins.length)] as string;
    const connections = idle.get(origin) as Connection[];
    const connection = connections.pop() ?? openConnection(origin);
    connection
      .send(bytesOf(origin, query, cursors))
      .then(({ body }) => {
        if (!isRight(query, body.toString('latin1'))) throw new Error(`Answered wrongly: ${body}`);
        connections.push(connection);
      })
      .catch((error) => {
        failure ??= error as Error;
      })
      .finally(() => open.delete(query.at));
  }
  const calls = await callsOf(upstream);
  for (const connection of [...idle.values()].flat()) connection.close();
  for (const gateway of gateways) gateway.destroy();
  await upstream.stop();
  return Object.fromEntries(
    Object.entries(calls).map(([command, { accepted }]) => {
      const before = callsBefore[command]?.accepted ?? 0;
      return [command, ((accepted - before) / queries) * 1000];
    }),
  );
}
