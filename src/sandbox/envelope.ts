// What every answer has in common (contract 1.4), and how a check says no.
import type { Envelope } from '../tencent/wire.ts';
import { errorText } from './error-texts.ts';

/** Thrown by a check; becomes a FAIL envelope with HTTP 200. */
export class Refusal extends Error {
  readonly code: number;

  constructor(code: number, info = errorText(code)) {
    super(info);
    this.code = code;
  }
}

export type Answer = Envelope & { [field: string]: unknown };

export function okAnswer(service: string, fields: object): Answer {
  return { ...fields, ActionStatus: 'OK', ErrorCode: 0, ErrorInfo: '', ...display(service) };
}

export function failAnswer(service: string, code: number, info: string): Answer {
  return { ActionStatus: 'FAIL', ErrorCode: code, ErrorInfo: info, ...display(service) };
}

function display(service: string): { ErrorDisplay?: string } {
  return service === 'follow' || service === 'profile' ? { ErrorDisplay: '' } : {};
}
