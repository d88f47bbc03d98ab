// What commands are made of: what they get, what they answer, and how they refuse.
import type { ItemResult } from '../tencent/wire.ts';
import type { Actions } from './actions.ts';
import type { DrawnFaults } from './faults.ts';
import type { World } from './world.ts';

/** What commands are made of. */
export type Parts = { world: World; act: Actions; now: () => number };

/** A request's body, once it is known to be a JSON object. */
export type Body = { [field: string]: unknown };

/** Answers a command's own fields, or throws a `Refusal`. */
export type Handler = (body: Body, faults: DrawnFaults) => object;

/** Thrown by a check; becomes a FAIL envelope with HTTP 200. */
export class Refusal extends Error {
  readonly code: number;

  constructor(code: number, info = textOf(code)) {
    super(info);
    this.code = code;
  }
}

export function processed(id: string): ItemResult {
  return { To_Account: id, ResultCode: 0, ResultInfo: '' };
}

export function failed(id: string, code: number, info = textOf(code)): ItemResult {
  return { To_Account: id, ResultCode: code, ResultInfo: info };
}

/** The failure that a fault wants for this entry, if any. */
export function faultOf(id: string, { itemFailure }: DrawnFaults): ItemResult | undefined {
  return itemFailure?.ids.includes(id) ? failed(id, itemFailure.code, itemFailure.info) : undefined;
}

/** The upstream's own texts are not documented (CONTRACT 8). */
function textOf(code: number): string {
  return [30003, 40003].includes(code) ? 'account not imported' : `error ${code} of the sandbox`;
}
