// What traces cost: the warm screen of a gateway that keeps one trace in a hundred, beside one without traces.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inTurn, saturate } from '../measuring/load.ts';
import { quantile, type Section, table } from '../measuring/results.ts';
import { FEATURES, startGateway, startUpstream, stopServers, WARM } from '../measuring/servers.ts';
import { checked } from './warm.ts';

const SCREEN = 20;
const WAYS = { executed: true, 'asked again': false };

export async function traces(quick: boolean): Promise<Section> {
  const collector = createServer((request, response) => void request.resume().once('end', () => response.end('{}')));
  await once(collector.listen(0, '127.0.0.1'), 'listening');
  const sampled = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.01',
  };
  const [pairs, rounds] = quick ? [2, 5] : [6, 12];
  /** Of each process, by row. */
  const micros: Record<string, number[]> = {};
  // Processes of one program differ by more than what is looked for.
  for (let pair = 0; pair < pairs; pair++) {
    const upstream = await startUpstream();
    const off = await startGateway(upstream, WARM);
    const on = await startGateway(upstream, { ...WARM, ...sampled });
    for (const [way, differs] of Object.entries(WAYS)) {
      const candidates = [
        await checked(`${way}, traces off`, { server: off, differs }, SCREEN),
        await checked(`${way}, traces on`, { server: on, differs }, SCREEN),
      ];
      const measured = await inTurn(candidates, { rounds, warmUp: quick ? 3000 : 20_000, measure: saturate(300) });
      for (const [name, its] of measured) {
        const each = its.map(({ cpuMicros }) => cpuMicros);
        micros[name] = [...(micros[name] ?? []), quantile(each, 0.25)];
      }
    }
    await stopServers();
  }
  collector.close();
  const meanOf = (name: string) => (micros[name] ?? []).reduce((sum, each) => sum + each, 0) / pairs;
  const rows = Object.keys(WAYS).flatMap((way) => {
    const [off, on] = [meanOf(`${way}, traces off`), meanOf(`${way}, traces on`)];
    return [
      [`${way}, traces off`, off.toFixed(1), '1.00', ''],
      [`${way}, traces on`, on.toFixed(1), (off / on).toFixed(2), '≥ 0.97'],
    ];
  });
  const how =
    `${SCREEN} edges; ${pairs} processes of each kind, ${rounds} rounds in turn: the mean of the lower quartiles of CPU time ` +
    `of each request. One trace in a hundred is kept. The gateways have ${FEATURES}.`;
  return { title: 'Traces', how, lines: table(['', 'CPU µs each', 'off = 1', 'aim'], rows) };
}
