// multiaccount_import: accounts that are new, and what is given of those that are not (CONTRACT 6.5).
import type { AccountImportResponse } from '../../tencent/wire.ts';
import { pluck, readBatch } from '../checks.ts';
import { faultOf, type Handler, Refusal } from '../envelope.ts';
import type { World } from '../world.ts';

const MAX_ACCOUNTS = 100;
const MAX_BYTES = 500;
const TAGS = { Nick: 'Tag_Profile_IM_Nick', FaceUrl: 'Tag_Profile_IM_Image' };

export function createAccountImport({ world }: { world: World }): Handler<AccountImportResponse> {
  return ({ AccountList: list }, call) => {
    readBatch(pluck(list, 'UserID'), { field: 'AccountList', max: MAX_ACCOUNTS, code: 70402 });
    const FailAccounts: string[] = [];
    const accounts = (list as { UserID: string; Nick?: unknown; FaceUrl?: unknown }[]).map(({ UserID, ...given }) => {
      const tags = Object.entries(TAGS).flatMap(([field, tag]) => {
        const value = given[field as keyof typeof TAGS];
        if (Buffer.byteLength(String(value ?? '')) > MAX_BYTES) throw new Refusal(40601, `${field} is too long`);
        return value === undefined ? [] : [[tag, String(value)] as const];
      });
      return [UserID, Object.fromEntries(tags)] as const;
    });
    for (const [id, tags] of accounts) {
      if (faultOf(id, call) || Buffer.byteLength(id) > 32) FailAccounts.push(id);
      else world.importAccount(id, tags);
    }
    return { FailAccounts };
  };
}
