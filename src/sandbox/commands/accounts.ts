// account_check and query_online_status: who exists, and who is online (contract 6.4, 6.5).
import type { AccountCheckResponse, QueryOnlineStatusResponse } from '../../tencent/wire.ts';
import { pluck, readBatch } from '../checks.ts';
import { faultOf, type Handler, Refusal } from '../envelope.ts';
import type { World } from '../world.ts';

const MAX_CHECKED = 100;
const MAX_QUERIED = 500;

export function createAccountCommands({ world }: { world: World }) {
  const account_check: Handler<AccountCheckResponse> = (body, call) => {
    const list = pluck(body.CheckItem, 'UserID');
    return {
      ResultItem: readBatch(list, { field: 'CheckItem', max: MAX_CHECKED, code: 70402 }).map((UserID) => {
        const failure = faultOf(UserID, call);
        if (failure) return { UserID, ResultCode: failure.ResultCode, ResultInfo: failure.ResultInfo };
        const AccountStatus = world.has(UserID) ? 'Imported' : 'NotImported';
        return { UserID, ResultCode: 0, ResultInfo: '', AccountStatus };
      }),
    };
  };

  const query_online_status: Handler<QueryOnlineStatusResponse> = (body, call) => {
    const { To_Account: list, IsNeedDetail: detailed = 0 } = body;
    if (!Array.isArray(list)) throw new Refusal(90003, 'To_Account must be a list');
    if (list.length > MAX_QUERIED) throw new Refusal(90011, 'too many accounts in To_Account');
    const ids = readBatch(list, { field: 'To_Account', max: MAX_QUERIED, code: 90001 });
    if (detailed !== 0 && detailed !== 1) throw new Refusal(90001, 'IsNeedDetail must be 0 or 1');

    const codeOf = (id: string) => faultOf(id, call)?.ResultCode ?? (world.has(id) ? 0 : 70107);
    const QueryResult = ids.flatMap((id) => {
      const { Status, Detail } = world.presence(id);
      return codeOf(id) === 0 ? [{ To_Account: id, Status, ...(detailed === 1 && Detail && { Detail }) }] : [];
    });
    const ErrorList = ids.flatMap((id) => (codeOf(id) === 0 ? [] : [{ To_Account: id, ErrorCode: codeOf(id) }]));
    return { QueryResult, ...(ErrorList.length > 0 && { ErrorList }) };
  };

  return { account_check, query_online_status };
}
