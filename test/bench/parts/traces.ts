// What traces cost: the warm screen of a gateway that keeps one trace in a hundred, beside one without traces.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Candidate, COMPARED, compare, inTurn, type Round, saturate } from '../measuring/load.ts';
import { type Section, table } from '../measuring/results.ts';
import { ALL_FEATURES, FEATURES, startGateway, startUpstream, stopAll, WARM } from '../measuring/servers.ts';
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
  const off = await startGateway(upstream, { ...ALL_FEATURES, ...WARM });
  const on = await startGateway(upstream, { ...ALL_FEATURES, ...WARM, ...sampled });
  const rounds = quick ? 9 : 25;
  const rows: string[][] = [];
  for (const differs of [true, false]) {
    const way = differs ? 'executed' : 'asked again';
    const candidates: Candidate[] = [];
    for (const [name, server] of Object.entries({ off, on }))
      candidates.push(await checked(`${way}, traces ${name}`, { server, differs }, SCREEN));
    const measure = (to: Parameters<typeof saturate>[0]) => saturate(to, quick ? 200 : 500);
    const measured = await inTurn(candidates, { rounds, warmUp: quick ? 3000 : 20_000, measure });
    const base = measured.get(`${way}, traces off`) as Round[];
    for (const [name, its] of measured) rows.push([name, ...compare(its, base), name.endsWith('on') ? '≥ 0.97' : '']);
  }
  await stopAll([upstream, off, on]);
  collector.close();
  const how =
    `${SCREEN} edges, ${rounds} rounds in turn; ratios are of requests per CPU second of the server process, round by ` +
    `round, lower quartile. One trace in a hundred is kept. The gateways have ${FEATURES}.`;
  return { title: 'Traces', how, lines: table(['', ...COMPARED, 'off = 1', 'aim'], rows) };
}
