// From bytes to the upstream's yes or no (contract 1.4): whatever is neither is a transport failure.

export type Answer =
  | { kind: 'success'; body: Record<string, unknown> }
  | { kind: 'refusal'; errorCode: number; errorInfo: string; requestId: string | undefined }
  | { kind: 'unreadable'; reason: string };

/** Reads one HTTP answer. Business errors come with status 200; anything else is the network's (contract 1.4). */
export function readEnvelope(status: number, bytes: Buffer): Answer {
  if (status !== 200) return { kind: 'unreadable', reason: `HTTP ${status}` };
  let body: unknown;
  try {
    body = JSON.parse(bytes.toString('utf8'));
  } catch {
    return { kind: 'unreadable', reason: 'not JSON' };
  }
  if (!isRecord(body) || !Number.isSafeInteger(body.ErrorCode)) return { kind: 'unreadable', reason: 'no ErrorCode' };
  const { ErrorCode: errorCode, ErrorInfo: errorInfo, ActionStatus: status_, RequestId: requestId } = body;
  if (errorCode !== 0) {
    return {
      kind: 'refusal',
      errorCode: errorCode as number, // an integer, as just checked
      errorInfo: typeof errorInfo === 'string' ? errorInfo : '',
      requestId: typeof requestId === 'string' ? requestId : undefined,
    };
  }
  if (status_ !== 'OK') return { kind: 'unreadable', reason: 'ActionStatus is not OK' };
  return { kind: 'success', body };
}

/** Whether a parsed JSON value is an object with members. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
