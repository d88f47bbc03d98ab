// What traces cost: the warm screen of a gateway that keeps one trace in a hundred, beside one without traces.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Candidate, inTurn, saturate } from '../measuring/load.ts';
import { quantile, type Section, table } from '../measuring/results.ts';
import {
  ALL_FEATURES,
  FEATURES,
  type ServerProcess,
  startGateway,
  startUpstream,
  stopAll,
  WARM,
} from '../measuring/servers.ts';
import { checked } from './warm.ts';

const SCREEN = 20;

export async function traces(quick: boolean): Promise<Section> {
  const collector = createServer((request, response) => void request.resume().once('end', () => response.end('{}')));
  await once(collector.listen(0, '127.0.0.1'), 'listening');
  const sampled = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.01',
  };
  const upstream = await startUpstream();
  const settings = { off: {}, on: sampled };
  const [pairs, rounds] = quick ? [2, 5] : [6, 12];
  const found = new Map<string, number[]>();
  // Processes of one program differ by more than what is looked for.
  for (let pair = 0; pair < pairs; pair++) {
    const servers: ServerProcess[] = [];
    for (const its of Object.values(settings))
      servers.push(await startGateway(upstream, { ...ALL_FEATURES, ...WARM, ...its }));
    for (const differs of [true, false]) {
      const candidates: Candidate[] = [];
      for (const [n, traces] of Object.keys(settings).entries())
        candidates.push(
          await checked(nameOf(differs, traces), { server: servers[n] as ServerProcess, differs }, SCREEN),
        );
      const measure = (to: Parameters<typeof saturate>[0]) => saturate(to, 300);
      const measured = await inTurn(candidates, { rounds, warmUp: quick ? 3000 : 20_000, measure });
      for (const [name, its] of measured) {
        const micros = quantile(
          its.map(({ cpuMicros }) => cpuMicros),
          0.25,
        );
        found.set(name, [...(found.get(name) ?? []), micros]);
      }
    }
    await stopAll(servers);
  }
  const meanOf = (differs: boolean, traces: string) => {
    const its = found.get(nameOf(differs, traces)) as number[];
    return its.reduce((sum, micros) => sum + micros) / its.length;
  };
  const rows = [true, false].flatMap((differs) =>
    Object.keys(settings).map((traces) => {
      const micros = meanOf(differs, traces);
      const ratio = meanOf(differs, 'off') / micros;
      return [nameOf(differs, traces), micros.toFixed(1), ratio.toFixed(2), traces === 'on' ? '≥ 0.97' : ''];
    }),
  );
  await stopAll([upstream]);
  collector.close();
  const how =
    `${SCREEN} edges; ${pairs} processes of each kind, ${rounds} rounds in turn: the mean of the lower quartiles of CPU time ` +
    `of each request. One trace in a hundred is kept. The gateways have ${FEATURES}.`;
  return { title: 'Traces', how, lines: table(['', 'CPU µs each', 'off = 1', 'aim'], rows) };
}

const nameOf = (differs: boolean, traces: string) => `${differs ? 'executed' : 'asked again'}, traces ${traces}`;
