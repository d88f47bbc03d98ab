// How long things take. prom-client's own histogram builds strings and objects for every observation; here one is two
// additions, and its words are made when Prometheus reads.
import { Histogram, type Metric, type Registry } from 'prom-client';
import type { MetricOptions } from './samples.ts';

export type Times = {
  /** The histogram of these label values; to be kept by who observes often. */
  of(...labels: string[]): { observe(seconds: number): void };
};

type Cell = { readonly labels: readonly string[]; readonly counts: number[]; sum: number };

export function createTimes(
  registry: Registry,
  { name, help, labelNames = [], buckets }: MetricOptions & { buckets: readonly number[] },
): Times {
  const cells = new Map<string, Cell & { observe(seconds: number): void }>();

  function open(labels: readonly string[]) {
    const cell = {
      labels,
      counts: [...buckets.map(() => 0), 0],
      sum: 0,
      observe(seconds: number) {
        let bucket = 0;
        while (bucket < buckets.length && seconds > (buckets[bucket] as number)) bucket++;
        cell.counts[bucket] = (cell.counts[bucket] as number) + 1;
        cell.sum += seconds;
      },
    };
    cells.set(labels.join('\n'), cell);
    return cell;
  }

  /** In Prometheus' words: how many took no longer than each bound, how many there were, and how long they took in all. */
  function* valuesOf({ labels, counts, sum }: Cell) {
    const named = Object.fromEntries(labelNames.map((label, index) => [label, labels[index] ?? '']));
    let total = 0;
    for (const [index, count] of counts.entries()) {
      total += count;
      const le = buckets[index] ?? '+Inf';
      yield { metricName: `${name}_bucket`, labels: { le, ...named }, value: total };
    }
    yield { metricName: `${name}_sum`, labels: named, value: sum };
    yield { metricName: `${name}_count`, labels: named, value: total };
  }

  const described = new Histogram({ name, help, labelNames: [...labelNames], buckets: [...buckets], registers: [] });
  const metric = {
    name,
    get: async () => ({
      ...(await described.get()),
      values: [...cells.values()].flatMap((cell) => [...valuesOf(cell)]),
    }),
  };
  // A registry asks its metrics for no more than this; its type wants one of prom-client's own.
  registry.registerMetric(metric as unknown as Metric);

  return { of: (...labels) => cells.get(labels.join('\n')) ?? open(labels) };
}
