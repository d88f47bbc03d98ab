// account_check: who exists (CONTRACT 6.4).
import type { AccountCheckResponse } from '../../tencent/wire.ts';
import { pluck, readBatch } from '../checks.ts';
import { faultOf, type Handler } from '../envelope.ts';
import type { World } from '../world.ts';

const MAX_CHECKED = 100;

export function createAccountCheck({ world }: { world: World }): Handler<AccountCheckResponse> {
  return (body, call) => ({
    ResultItem: readBatch(pluck(body.CheckItem, 'UserID'), { field: 'CheckItem', max: MAX_CHECKED, code: 70402 }).map(
      (UserID) => {
        const failure = faultOf(UserID, call);
        if (failure) return { UserID, ResultCode: failure.ResultCode, ResultInfo: failure.ResultInfo };
        const AccountStatus = world.has(UserID) ? 'Imported' : 'NotImported';
        return { UserID, ResultCode: 0, ResultInfo: '', AccountStatus };
      },
    ),
  });
}
