// Rounds of one server beside the rounds of another that were measured in between.
import type { Round } from './load.ts';
import { median, quantile } from './statistics.ts';

/** Round by round, how many requests one makes of the CPU time in which the base makes one. */
export function ratiosOf(base: readonly Round[], rounds: readonly Round[]): number[] {
  return rounds.map(({ cpuMicros }, index) => (base[index]?.cpuMicros ?? Number.NaN) / cpuMicros);
}

/** Cells of a table: requests a second, microseconds of CPU time each, and the ratios' median and lower quartile. */
export function compared(rounds: readonly Round[], ratios: readonly number[]): string[] {
  return [
    median(rounds.map(({ perSecond }) => perSecond)).toFixed(0),
    median(rounds.map(({ cpuMicros }) => cpuMicros)).toFixed(0),
    median(ratios).toFixed(2),
    quantile(ratios, 0.25).toFixed(2),
  ];
}
