// The reference mix at one rate and freshness, answered by gateways of this process on a simulated clock.
import { pino } from 'pino';
import { readConfig } from '../../../src/config.ts';
import { createRandom } from '../../../src/sandbox/seed.ts';
import { createGateway } from '../../../src/server.ts';
import { startRedisProcess } from '../../support/redis-process.ts';
import { openPool } from '../measuring/connection.ts';
import { type ServerProcess, settingsFor, startGateway, startUpstream, stopServers } from '../measuring/servers.ts';
import { createMix, SEED } from '../reference/mix.ts';
import { bytesOf, isRight, learnCursors } from '../whole-job/queries.ts';
import { createSimulatedClock } from './simulated-clock.ts';

export type Cell = { perSecond: number; seconds: number; freshSeconds: number; replicas: number };
/** Upstream calls per 1,000 queries, by command. */
export type CallCounts = Record<string, number>;

/** So far simulated time goes on while a query is not answered: as long as the upstream would take. */
const MAX_WAIT_MS = 20;
const START_MS = Date.UTC(2026, 0, 1);
const NO_LIMIT = { UPSTREAM_RATE: '100000' };
const startTeacher = (upstream: ServerProcess) => startGateway(upstream, NO_LIMIT);

/** Several replicas share a Redis, which is as cold as they are. */
export async function runCell({ perSecond, seconds, freshSeconds, replicas }: Cell): Promise<CallCounts> {
  const cursors = await learnCursors(startTeacher, createMix(perSecond, seconds));
  const upstream = await startUpstream();
  const redis = replicas > 1 ? await startRedisProcess() : null;
  const clock = createSimulatedClock(START_MS);
  const config = readConfig({
    ...settingsFor(upstream),
    ...NO_LIMIT,
    LIST_FRESH_SECONDS: String(freshSeconds),
    PORT: '0',
    REDIS_URL: redis?.url,
    // Real time hardly passes: a Redis that answers as fast as ever would seem slow.
    REDIS_TIMEOUT_MS: '10000',
  });
  const opening = Array.from({ length: replicas }, () =>
    createGateway(config, { log: pino({ level: 'silent' }), clock }),
  );
  const gateways = await Promise.all(opening);
  const pools = await Promise.all(gateways.map(async (gateway) => openPool(await gateway.listen())));
  const random = createRandom(SEED + 2);
  const open = new Set<number>();
  let queries = 0;

  for (const query of createMix(perSecond, seconds)) {
    await clock.advanceTo(START_MS + query.at, () => {
      const [oldest = query.at] = open;
      return query.at - oldest > MAX_WAIT_MS;
    });
    queries++;
    open.add(query.at);
    // A query that fails ends the bench.
    void pools[Math.floor(random() * replicas)]?.send(bytesOf(query, cursors)).then(({ body }) => {
      if (!isRight(query, body.toString('latin1'))) throw new Error(`Answered wrongly: ${body}`);
      open.delete(query.at);
    });
  }
  await clock.advanceTo(clock.now(), () => open.size > 0);
  const calls = await upstream.calls();
  for (const pool of pools) pool.close();
  for (const gateway of gateways) gateway.destroy();
  await Promise.all([stopServers(), redis?.close()]);
  return Object.fromEntries(
    Object.entries(calls).map(([command, { accepted }]) => [command, (accepted / queries) * 1000]),
  );
}
