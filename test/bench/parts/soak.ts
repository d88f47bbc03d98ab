// What a gateway holds after very many requests: the same ones, different operations, different users.
import { postOf } from '../measuring/connection.ts';
import { askTimes, openTarget } from '../measuring/load.ts';
import { type Section, table } from '../measuring/results.ts';
import { SCREEN, screenBody, WARM_USERS, warmUser } from '../measuring/screen.ts';
import { startGateway, startUpstream, WARM } from '../measuring/servers.ts';
import { userOf } from '../reference/world.ts';

const REQUESTS = 3_000_000;
const DIFFERENT = 100_000;
const SAMPLES = 100;
const SIZE = 20;
const FIRST_USER = 3_000_000;

export async function soak(quick: boolean): Promise<Section> {
  const share = quick ? 0.01 : 1;
  const upstream = await startUpstream();
  const server = await startGateway(upstream, WARM);
  const isRight = ({ status }: { status: number }) => status === 200;
  const same = Array.from({ length: WARM_USERS }, (_, n) => postOf(screenBody(warmUser(n), SIZE)));

  async function ask(name: string, times: number, requestOf: (turn: number) => Buffer): Promise<string[]> {
    const requests = times * share;
    const to = openTarget({ name, server, isRight, requestOf });
    const samples: number[] = [];
    for (let sample = 0; sample < SAMPLES; sample++) {
      await askTimes(to, Math.ceil(requests / SAMPLES));
      samples.push((await server.memory()).rss);
    }
    to.pool.close();
    const meanOf = (quarter: number) => {
      const some = samples.slice((quarter * SAMPLES) / 4, ((quarter + 1) * SAMPLES) / 4);
      return some.reduce((sum, bytes) => sum + bytes, 0) / some.length;
    };
    const { heapUsed, external } = await server.held();
    const megabytes = [meanOf(1), meanOf(3), heapUsed + external].map((bytes) => (bytes / 2 ** 20).toFixed(1));
    return [`${requests} ${name}`, ...megabytes, (meanOf(3) / meanOf(1)).toFixed(3)];
  }

  const rows = [
    await ask('of the same', REQUESTS, (turn) => same[turn % WARM_USERS] as Buffer),
    await ask('different bodies', DIFFERENT, (turn) => postOf(screenBody(warmUser(turn), SIZE, turn))),
    await ask('different documents', DIFFERENT, (turn) =>
      postOf({ ...screenBody(warmUser(turn), SIZE), query: SCREEN.replace('user(', `user${turn}: user(`) }),
    ),
    await ask('different users', DIFFERENT, (turn) => postOf(screenBody(userOf(FIRST_USER + turn), SIZE))),
  ];
  const how =
    'One after the other, 20 edges each, settings of the memory as shipped; resident memory in MB in the second and the ' +
    'last quarter of each, and heap with buffers after collections of garbage at its end. Caches that fill up grow once.';
  const head = ['', 'second quarter', 'last quarter', 'held at the end', 'growth'];
  return { title: 'Soak', how, lines: table(head, rows) };
}
