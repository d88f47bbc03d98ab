import type { UserId } from '../follow/model.ts';

/** Who asks, once it is proven. */
export type Viewer = {
  readonly userId: UserId;
  /** Epoch milliseconds after which the proof no longer holds; null when it says nothing of an end. */
  readonly expiresAt: number | null;
};
