// What the commands share: how one is called, and how one entry of a batch succeeds or fails (contract 3).
import type { ItemResult } from '../../tencent/wire.ts';
import type { Body } from '../body.ts';
import { errorText } from '../error-texts.ts';
import type { DrawnFaults } from '../faults.ts';

export type Call = {
  faults: DrawnFaults;
  /** The admin account that signed the request. */
  operator: string;
  clientIp: string;
};

/** Answers the command's own fields, or throws a `Refusal`. */
export type Handler<Fields extends object = object> = (body: Body, call: Call) => Fields;

/** What a wire response holds besides the envelope. */
export type FieldsOf<Response> = Omit<
  Response,
  'ActionStatus' | 'ErrorCode' | 'ErrorInfo' | 'ErrorDisplay' | 'RequestId'
>;

export function processed(id: string): ItemResult {
  return { To_Account: id, ResultCode: 0, ResultInfo: '' };
}

export function failed(id: string, code: number, info = errorText(code)): ItemResult {
  return { To_Account: id, ResultCode: code, ResultInfo: info };
}

/** The failure that a fault switch wants for this entry, if any. */
export function switchedFailure(id: string, { faults: { itemFailure } }: Call): ItemResult | undefined {
  return itemFailure?.ids.includes(id) ? failed(id, itemFailure.code, itemFailure.info) : undefined;
}
