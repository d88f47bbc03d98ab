import type { UserId } from '../follow/model.ts';

/** The user that a request is made for, once that is proven. */
export type Viewer = {
  readonly userId: UserId;
  /** Epoch milliseconds after which the credential no longer holds; null when it has no end. */
  readonly expiresAt: number | null;
};
