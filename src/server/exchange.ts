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
  /** Whether the answer is a stream, which lasts as long as its client likes. */
  isStream: boolean;
};

export type LoggedExchange = Omit<Exchange, 'viewer' | 'isStream'>;

/** What a client named itself, an operation or a path, is told this far by the log. */
export const LONGEST_LOGGED_NAME = 200;

const WELL_FORMED_ID = /^[\w.:-]{1,128}$/;

/** Opens an exchange under the caller's request id when that is fit for a log, else under a new one. */
export function openExchange(requestId: string | null | undefined): Exchange {
  return {
    requestId: requestId && WELL_FORMED_ID.test(requestId) ? requestId : randomUUID(),
    viewer: null,
    operationName: null,
    upstreamCalls: 0,
    errorCodes: [],
    isStream: false,
  };
}

/** What a client can make as long as it likes is cut: its names, and one code for each of a thousand errors. */
export function forLog({ requestId, upstreamCalls, operationName, errorCodes }: Exchange): LoggedExchange {
  return {
    requestId,
    upstreamCalls,
    operationName: operationName?.slice(0, LONGEST_LOGGED_NAME) ?? null,
    errorCodes: errorCodes.length > 1 ? [...new Set(errorCodes)] : errorCodes,
  };
}
