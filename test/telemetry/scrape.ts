// What Prometheus would read of a gateway: every sample by its name and labels.
import type { TestGateway } from '../support/gateway.ts';

/** Where a gateway says that its metrics are. */
export function metricsUrl({ logLines }: TestGateway): string {
  const line = logLines.map((text) => JSON.parse(text)).find(({ msg }) => msg === 'metrics');
  if (!line) throw new Error('The log names no metrics: set METRICS_PORT');
  return line.url;
}

export async function scrapeText(gateway: TestGateway): Promise<string> {
  const response = await fetch(metricsUrl(gateway));
  if (!response.ok) throw new Error(`The metrics answered ${response.status}`);
  return response.text();
}

/** Samples of ours by what follows `follow_gateway_`, for example `queries_total{type="query",…}`. */
export type Samples = Record<string, number>;

export async function scrape(gateway: TestGateway): Promise<Samples> {
  const samples = (await scrapeText(gateway)).matchAll(/^follow_gateway_(\S+?(?:\{.*\})?) (\S+)$/gm);
  return Object.fromEntries(Array.from(samples, ([, name, value]) => [name, Number(value)]));
}

/** Those that are not 0: series of known labels are there from the start. */
export const counted = (samples: Samples, name: string): Samples =>
  Object.fromEntries(Object.entries(only(samples, name)).filter(([, value]) => value !== 0));

/** The samples of one metric. */
export function only(samples: Samples, name: string): Samples {
  return Object.fromEntries(
    Object.entries(samples)
      .filter(([key]) => key === name || key.startsWith(`${name}{`))
      .map(([key, value]) => [key.slice(name.length), value]),
  );
}
