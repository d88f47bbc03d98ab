// One HTTP exchange as the log tells it: one line a request.
import { randomUUID } from 'node:crypto';
import type { Viewer } from '../auth/viewer.ts';

export type Exchange = {
  readonly requestId: string;
  /** Who asks; null is anonymous. Proven before anything of the request's body is read. */
  viewer: Viewer | null;
  operationName: string | null;
  upstreamCalls: number;
  /** Public codes of the errors in the answer. */
  errorCodes: string[];
};

const WELL_FORMED_ID = /^[\w.:-]{1,128}$/;

/** Opens an exchange under the caller's request id when that is fit for a log, else under a new one. */
export function openExchange(requestId: string | null | undefined): Exchange {
  return {
    requestId: requestId && WELL_FORMED_ID.test(requestId) ? requestId : randomUUID(),
    viewer: null,
    operationName: null,
    upstreamCalls: 0,
    errorCodes: [],
  };
}
