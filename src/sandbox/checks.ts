// The checks of a request before its command has a say, in the order of CONTRACT 9.1, each with the code of the service.
import { isRecord } from '../json.ts';
import { verifyUserSig } from '../tencent/user-sig.ts';
import type { Command, ItemResult } from '../tencent/wire.ts';
import { type Body, failed, faultOf, Refusal } from './envelope.ts';
import type { DrawnFaults } from './faults.ts';

export type Admission = { method: string; command: Command; query: URLSearchParams; faults: DrawnFaults };

type Dependencies = {
  app: { sdkAppId: number; admin: string; secretKey: string };
  hasRoom: (command: Command) => boolean;
  now: () => number;
};

const USER_SIG_CODES = { malformed: 70003, 'wrong-app': 70014, expired: 70001, 'bad-signature': 70009 };

/** Steps 1 to 6: returns when the body may be read, throws a `Refusal` with the code of the first failed check otherwise. */
export function createAdmission({ app, hasRoom, now }: Dependencies) {
  return ({ method, command, query, faults }: Admission): void => {
    if (method !== 'POST') throw new Refusal(60002, `${method} is not supported, use POST`);

    if (!query.get('sdkappid')) throw new Refusal(60012, 'sdkappid is missing');
    const identifier = query.get('identifier');
    const userSig = query.get('usersig');
    if (!identifier || !userSig || query.get('contenttype') !== 'json') {
      throw new Refusal(60025, 'identifier, usersig or contenttype is missing or wrong');
    }

    if (query.get('sdkappid') !== String(app.sdkAppId)) throw new Refusal(70020, 'sdkappid not found');

    const verdict = verifyUserSig(userSig, { ...app, now: now() / 1000 });
    if (!verdict.ok) throw new Refusal(USER_SIG_CODES[verdict.reason], `UserSig is ${verdict.reason}`);
    // The upstream looks at the user before time and digest, which shows only in a UserSig with two defects.
    if (verdict.userId !== identifier) throw new Refusal(70013, 'UserSig is of another identifier');

    if (identifier !== app.admin) throw new Refusal(60010, 'request needs app admin permission');

    if (!hasRoom(command)) throw new Refusal(60007, 'call frequency over the limit of this API');
    if (faults.error) throw new Refusal(faults.error.code, faults.error.info);
  };
}

/** Step 7: a JSON object (`undefined` stands for what is no JSON), then UserIDs of the wrong type. */
export function checkBody(json: unknown, service: string): Body {
  if (!isRecord(json)) throw new Refusal(service === 'openim' ? 90001 : 60003, 'request body is not a JSON object');
  const listed = [
    pluck(json.FollowItem, 'To_Account'),
    ...[json.CheckItem, json.AccountList].map((list) => pluck(list, 'UserID')),
  ];
  const ids = [json.From_Account, ...[json.To_Account, ...listed].filter(Array.isArray).flat()];
  const stranger = ids.find((id) => id !== undefined && typeof id !== 'string');
  if (stranger !== undefined) throw new Refusal(60015, `UserID ${JSON.stringify(stranger)} is not a string`);
  return json;
}

/** Distinct values of a batch, first occurrence first (CONTRACT 3); the ceiling counts duplicates too. */
export function readBatch(list: unknown, { field, max, code }: { field: string; max: number; code: number }): string[] {
  if (!Array.isArray(list) || list.length === 0) throw new Refusal(code, `${field} must be a non-empty list`);
  if (list.length > max) throw new Refusal(code, `${field} has ${list.length} entries, at most ${max} are allowed`);
  const texts = list.filter((entry) => typeof entry === 'string');
  if (texts.length < list.length) throw new Refusal(code, `${field} holds an entry without a text`);
  return [...new Set(texts)];
}

export function readFromAccount({ From_Account: id }: Body, code: number): string {
  if (typeof id !== 'string' || id === '') throw new Refusal(code, 'From_Account is missing');
  return id;
}

type Accounts = { has(id: string): boolean };

/** The account in whose name a call is made, and those that it is about. */
export function readTargets(accounts: Accounts, body: Body, max: number, list = body.To_Account, field = 'To_Account') {
  const from = readFromAccount(body, 30001);
  const targets = readBatch(list, { field, max, code: 30001 });
  if (!accounts.has(from)) throw new Refusal(30003);
  return { from, targets };
}

/** Why nothing can be done about an entry of a batch. */
export const failureOf = (accounts: Accounts, to: string, faults: DrawnFaults): ItemResult | undefined =>
  faultOf(to, faults) ?? (accounts.has(to) ? undefined : failed(to, 30003));

/** Those of a batch that did not fail. */
export const doneOf = (items: readonly ItemResult[]): string[] =>
  items.filter(({ ResultCode }) => ResultCode === 0).map(({ To_Account }) => To_Account);

/** Those of a batch that failed, which some commands list once more. */
export function failAccounts(items: readonly ItemResult[]): { Fail_Account?: string[] } {
  const broken = items.filter(({ ResultCode }) => ResultCode !== 0).map(({ To_Account }) => To_Account);
  return broken.length > 0 ? { Fail_Account: broken } : {};
}

/** One field of each entry of a list; a list of anything else passes through, for the batch's own check to refuse. */
export function pluck(list: unknown, field: string): unknown {
  return Array.isArray(list) ? list.map((entry) => (isRecord(entry) ? entry[field] : undefined)) : list;
}
