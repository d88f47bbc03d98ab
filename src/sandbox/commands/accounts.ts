// account_check: who exists; multiaccount_import: accounts that are new, and what is given of those that are not
// (CONTRACT 6.4, 6.5).
import { pluck, readBatch } from '../checks.ts';
import { faultOf, type Handler, type Parts, Refusal } from '../envelope.ts';

const MAX_ACCOUNTS = 100;
const MAX_BYTES = 500;
const MAX_ID_BYTES = 32;
const TAGS = { Nick: 'Tag_Profile_IM_Nick', FaceUrl: 'Tag_Profile_IM_Image' };

export function createAccountCommands({ world }: Parts) {
  const account_check: Handler = ({ CheckItem: list }, call) => {
    const ids = readBatch(pluck(list, 'UserID'), { field: 'CheckItem', max: MAX_ACCOUNTS, code: 70402 });
    return {
      ResultItem: ids.map((UserID) => {
        const { ResultCode = 0, ResultInfo = '' } = faultOf(UserID, call) ?? {};
        const AccountStatus = world.has(UserID) ? 'Imported' : 'NotImported';
        return { UserID, ResultCode, ResultInfo, ...(ResultCode === 0 && { AccountStatus }) };
      }),
    };
  };

  const multiaccount_import: Handler = ({ AccountList: list }, call) => {
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
      if (faultOf(id, call) || Buffer.byteLength(id) > MAX_ID_BYTES) FailAccounts.push(id);
      else world.importAccount(id, tags);
    }
    return { FailAccounts };
  };

  return { account_check, multiaccount_import };
}
