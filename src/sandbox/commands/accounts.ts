// Accounts: who exists, new ones, who is online, and the search (CONTRACT 6).
import { pluck, readBatch } from '../checks.ts';
import { faultOf, type Handler, type Parts, Refusal } from '../envelope.ts';

const MAX_ACCOUNTS = 100;
const MAX_BYTES = 500;
const MAX_ID_BYTES = 32;
const TAGS = { Nick: 'Tag_Profile_IM_Nick', FaceUrl: 'Tag_Profile_IM_Image' };
const MAX_STATUSES = 500;
const MAX_KEYWORDS = 5;
const MAX_FOUND = 100;

export function createAccountCommands({ world, now }: Parts) {
  const account_check: Handler = ({ CheckItem: list }, faults) => {
    const ids = readBatch(pluck(list, 'UserID'), { field: 'CheckItem', max: MAX_ACCOUNTS, code: 70402 });
    return {
      ResultItem: ids.map((UserID) => {
        const { ResultCode = 0, ResultInfo = '' } = faultOf(UserID, faults) ?? {};
        const AccountStatus = world.has(UserID) ? 'Imported' : 'NotImported';
        return { UserID, ResultCode, ResultInfo, ...(ResultCode === 0 && { AccountStatus }) };
      }),
    };
  };

  const multiaccount_import: Handler = ({ AccountList: list }, faults) => {
    readBatch(pluck(list, 'UserID'), { field: 'AccountList', max: MAX_ACCOUNTS, code: 70402 });
    const accounts = (list as { UserID: string; Nick?: unknown; FaceUrl?: unknown }[]).map(({ UserID, ...given }) => {
      const tags = Object.entries(TAGS).flatMap(([field, tag]) => {
        const value = given[field as keyof typeof TAGS];
        if (Buffer.byteLength(String(value ?? '')) > MAX_BYTES) throw new Refusal(40601, `${field} is too long`);
        return value === undefined ? [] : [[tag, String(value)] as const];
      });
      return [UserID, Object.fromEntries(tags)] as const;
    });
    const FailAccounts: string[] = [];
    for (const [id, tags] of accounts) {
      if (faultOf(id, faults) || Buffer.byteLength(id) > MAX_ID_BYTES) FailAccounts.push(id);
      else world.importAccount(id, tags);
    }
    return { FailAccounts };
  };

  const query_online_status: Handler = (body, faults) => {
    if (body.To_Account === undefined) throw new Refusal(90003, 'To_Account is missing');
    if (Array.isArray(body.To_Account) && body.To_Account.length > MAX_STATUSES) throw new Refusal(90011);
    const ids = readBatch(body.To_Account, { field: 'To_Account', max: MAX_STATUSES, code: 90001 });
    const codeOf = (id: string) => faultOf(id, faults)?.ResultCode ?? (world.has(id) ? 0 : 70107);
    const QueryResult = ids
      .filter((id) => codeOf(id) === 0)
      .map((id) => {
        const devices = world.devices(id);
        // Online comes before PushOnline in the alphabet too.
        const [best] = devices.map(([, status]) => status).sort();
        return {
          To_Account: id,
          Status: best ?? 'Offline',
          ...(body.IsNeedDetail === 1 &&
            best && { Detail: devices.map(([Platform, Status]) => ({ Platform, Status })) }),
        };
      });
    const ErrorList = ids.filter((id) => codeOf(id) !== 0).map((id) => ({ To_Account: id, ErrorCode: codeOf(id) }));
    return { QueryResult, ...(ErrorList.length > 0 && { ErrorList }) };
  };

  const search: Handler = ({ Keywords, KeywordMatchType = 0, Count, Cursor = '' }, faults) => {
    const words = readBatch(Keywords, { field: 'Keywords', max: MAX_KEYWORDS, code: 30001 });
    if (!Number.isInteger(Count) || Number(Count) < 1) throw new Refusal(30001, 'Count must be a positive integer');
    if (!/^\d{0,9}$/.test(String(Cursor))) throw new Refusal(30001, 'Cursor is not one of this search');

    const indexedAt = now() - (faults.searchLag?.ms ?? 0);
    const found = world.profiles().filter(([id, { items, changedAt }]) => {
      const nick = String(items.find(({ Tag }) => Tag === 'Tag_Profile_IM_Nick')?.Value ?? '').toLowerCase();
      const isHit = (word: string) => id === word || nick.includes(word.toLowerCase());
      return changedAt <= indexedAt && (KeywordMatchType === 1 ? words.every(isHit) : words.some(isHit));
    });
    found.sort(([a, one], [b, other]) => other.changedAt - one.changedAt || (a < b ? -1 : 1));
    const end = Number(Cursor) + Math.min(Number(Count), MAX_FOUND);
    const Users = found.slice(Number(Cursor), end).map(([UserID, { items }]) => ({
      UserID,
      ProfileItems: items
        .filter(({ Tag }) => !Tag.startsWith('Tag_Profile_Custom_'))
        .map(({ Tag, Value }) => (typeof Value === 'string' ? { Tag, StrValue: Value } : { Tag, IntValue: Value })),
    }));
    return {
      Users,
      IsFinish: end >= found.length,
      TotalCount: found.length,
      Cursor: end < found.length ? `${end}` : '',
    };
  };

  return { account_check, multiaccount_import, query_online_status, search };
}
