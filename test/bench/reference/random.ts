/** Times in milliseconds at which requests come at random (Poisson), `perSecond` on average, until `seconds` are over. */
export function* arrivalTimes(random: () => number, perSecond: number, seconds: number): Generator<number, undefined> {
  for (let at = 0; ; ) {
    at += (-Math.log(1 - random()) / perSecond) * 1000;
    if (at >= seconds * 1000) return;
    yield at;
  }
}
