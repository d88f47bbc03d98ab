// How near together calls came, as the upstream counts them (CONTRACT 1.6).

/** The most of these times (in milliseconds, in order) that lie within a second. */
export function busiestSecond(times: readonly number[]): number {
  let [busiest, from] = [0, 0];
  for (const [index, time] of times.entries()) {
    while (time - (times[from] as number) >= 1000) from++;
    busiest = Math.max(busiest, index - from + 1);
  }
  return busiest;
}
