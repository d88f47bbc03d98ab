// From the start of the process until the first query is answered, as from the image: compiled once before.
import { median, type Section, table } from '../measuring/results.ts';
import { ALL_FEATURES, startGateway, startUpstream } from '../measuring/servers.ts';

export async function start(quick: boolean): Promise<Section> {
  const times: number[] = [];
  const upstream = await startUpstream();
  await (await startGateway(upstream, ALL_FEATURES)).stop();
  for (let n = 0; n < (quick ? 3 : 9); n++) {
    const gateway = await startGateway(upstream, ALL_FEATURES);
    times.push(gateway.readyAfterMs);
    await gateway.stop();
  }
  const cells = [median(times), Math.min(...times), Math.max(...times)].map((ms) => ms.toFixed(0));
  return {
    title: 'Start to ready',
    lines: table(['ms', 'median', 'least', 'most', 'aim'], [['', ...cells, '≤ 1000']]),
  };
}
