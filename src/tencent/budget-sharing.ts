// Whether one command's budget is shared just now: while what it is shared through does not answer, this process looks
// for it now and then, and keeps to its own share.
import type { Clock } from '../clock.ts';
import type { SharedPace } from './budget-script.ts';

/** How often to look whether it is back. */
const LOOK_MS = 500;
/**
 * So long after it is back, this process also keeps to its share: others have not noticed yet. Longer than the link and
 * a lane need to notice.
 */
const SETTLE_MS = 2500;

export type SharingOptions = {
  /** Null when there is nobody to share with. */
  shared: SharedPace | null;
  clock: Clock;
  changed: (to: 'shared' | 'local') => void;
};

export function createSharing({ shared, clock, changed }: SharingOptions) {
  let isShared = shared !== null;
  let settlingUntil = 0;
  let lookAt = 0;
  let isLooking = false;

  return {
    isShared: () => isShared,
    isSettling: (now: number) => now < settlingUntil,
    /** When to look next; never while it is being looked for, and where there is nobody to share with. */
    lookAt: () => (shared === null || isLooking ? Number.POSITIVE_INFINITY : lookAt),

    leave(now: number): void {
      isShared = false;
      lookAt = now + LOOK_MS;
      changed('local');
    },

    /** Looks whether it is back. */
    async look(): Promise<void> {
      isLooking = true;
      const answer = await shared?.look();
      isLooking = false;
      const now = clock.now();
      lookAt = now + LOOK_MS;
      if (answer === undefined || isShared) return;
      isShared = true;
      settlingUntil = now + SETTLE_MS;
      changed('shared');
    },

    /** Plans nothing that lies ahead: the clock has been set back. */
    begin(now: number): void {
      settlingUntil = 0;
      lookAt = Math.min(lookAt, now);
    },
  };
}
