// Metrics whose values live elsewhere and are taken at the moment of a scrape. prom-client's own counters build a
// string and an object for every increment; a cell of a tally is a number.
import { Counter, Gauge, type Registry } from 'prom-client';

/** Label values, in the order of the names, and the value that belongs to them. */
export type Sample = [labels: readonly string[], value: number];

export type MetricOptions = { name: string; help: string; labelNames?: readonly string[] };

type SampledOptions = MetricOptions & { read: () => readonly Sample[] };

export function sampleGauge(registry: Registry, options: SampledOptions): void {
  const { name, help, labelNames = [], read } = options;
  new Gauge<string>({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const [labels, value] of read()) this.labels(...labels).set(value);
    },
  });
}

export function sampleCounter(registry: Registry, { name, help, labelNames = [], read }: SampledOptions): void {
  new Counter<string>({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const [labels, value] of read()) this.labels(...labels).inc(value);
    },
  });
}

export type Cell = { count: number };

export type Tally = {
  /** The counter of these label values; to be kept by who counts often. */
  of(...labels: string[]): Cell;
};

/** Values such as an upstream's error codes are not ours: beyond so many combinations they are counted as one. */
const MOST_CELLS = 500;
const OTHER = 'other';

/** A counter with a cell for each combination of label values that was ever asked for. */
export function createTally(registry: Registry, options: MetricOptions & { labelNames: readonly string[] }): Tally {
  const cells = new Map<string, { labels: readonly string[]; cell: Cell }>();
  sampleCounter(registry, {
    ...options,
    read: () => Array.from(cells.values(), ({ labels, cell }) => [labels, cell.count]),
  });

  function open(labels: readonly string[]): Cell {
    if (cells.size >= MOST_CELLS && labels.some((label) => label !== OTHER)) return of(...labels.map(() => OTHER));
    const cell = { count: 0 };
    cells.set(labels.join('\n'), { labels, cell });
    return cell;
  }

  function of(...labels: string[]): Cell {
    return cells.get(labels.join('\n'))?.cell ?? open(labels);
  }
  return { of };
}
