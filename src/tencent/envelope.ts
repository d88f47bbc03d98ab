// From bytes to the upstream's yes or no (CONTRACT 1.4): anything else is trouble on the way.

/** `name` is short and without a word of the upstream's: `ok`, the ErrorCode, or why the answer cannot be read. */
export type Answer =
  | { kind: 'success'; name: 'ok'; body: Record<string, unknown> }
  | { kind: 'refusal'; name: string; errorCode: number; errorInfo: string; requestId: string | undefined }
  | { kind: 'unreadable'; name: string };

/** Reads one HTTP answer. Business errors come with status 200; anything else is the network's. */
export function readEnvelope(status: number, bytes: Buffer): Answer {
  if (status !== 200) return { kind: 'unreadable', name: `HTTP ${status}` };
  let body: unknown;
  try {
    body = parseJson(bytes.toString('utf8'));
  } catch {
    return { kind: 'unreadable', name: 'not JSON' };
  }
  if (!isRecord(body) || !Number.isSafeInteger(body.ErrorCode)) return { kind: 'unreadable', name: 'no ErrorCode' };
  if (body.ErrorCode === 0) {
    if (body.ActionStatus !== 'OK') return { kind: 'unreadable', name: 'ActionStatus is not OK' };
    return { kind: 'success', name: 'ok', body };
  }
  const { ErrorCode, ErrorInfo: errorInfo = '', RequestId: requestId } = body;
  return {
    ...{ kind: 'refusal', name: String(ErrorCode), errorCode: Number(ErrorCode), errorInfo: String(errorInfo) },
    requestId: typeof requestId === 'string' ? requestId : undefined,
  };
}

/** Where a number begins that may be too long; texts, which may be ids of as many digits, begin with a quotation mark. */
const LONG_NUMBER = /[:,[]\s*-?\d{16}/;

/** A whole number that no `number` can hold keeps its digits, as a text: the app's own fields hold ids. */
function parseJson(text: string): unknown {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text);
  const keepDigits = (_key: string, value: unknown, { source = '' }: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? source : value;
  return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown);
}

/** Whether a parsed JSON value is an object with members. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a parsed JSON value is a whole number, 0 or more. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
