// account_check and query_online_status: who exists, and who is online (contract 6.4, 6.5).
import type { AccountCheckResponse, QueryOnlineStatusResponse } from '../../tencent/wire.ts';
import { pluck, readBatch } from '../body.ts';
import { Refusal } from '../envelope.ts';
import type { World } from '../world.ts';
import { type FieldsOf, type Handler, switchedFailure } from './batch-items.ts';

const MOST_CHECKED = 100;
const MOST_QUERIED = 500;

export function createAccountCheck({ world }: { world: World }): Handler<FieldsOf<AccountCheckResponse>> {
  return (body, call) => {
    const list = pluck(body.CheckItem, 'UserID');
    const ids = readBatch(list, { field: 'CheckItem', most: MOST_CHECKED, code: 70402 });
    return {
      ResultItem: ids.map((UserID) => {
        const failure = switchedFailure(UserID, call);
        if (failure) return { UserID, ResultCode: failure.ResultCode, ResultInfo: failure.ResultInfo };
        const AccountStatus = world.has(UserID) ? 'Imported' : 'NotImported';
        return { UserID, ResultCode: 0, ResultInfo: '', AccountStatus };
      }),
    };
  };
}

export function createQueryOnlineStatus({ world }: { world: World }): Handler<FieldsOf<QueryOnlineStatusResponse>> {
  return (body, call) => {
    const list = body.To_Account;
    if (!Array.isArray(list)) throw new Refusal(90003);
    if (list.length > MOST_QUERIED) throw new Refusal(90011);
    const ids = readBatch(list, { field: 'To_Account', most: MOST_QUERIED, code: 90001 });
    const detailed = body.IsNeedDetail ?? 0;
    if (detailed !== 0 && detailed !== 1) throw new Refusal(90001, 'IsNeedDetail must be 0 or 1');

    const failures = ids.flatMap((id) => {
      const code = switchedFailure(id, call)?.ResultCode ?? (world.has(id) ? 0 : 70107);
      return code === 0 ? [] : [{ To_Account: id, ErrorCode: code }];
    });
    const broken = new Set(failures.map(({ To_Account }) => To_Account));
    return {
      QueryResult: ids
        .filter((id) => !broken.has(id))
        .map((id) => {
          const { Status, Detail } = world.presence(id);
          return { To_Account: id, Status, ...(detailed === 1 && Detail && { Detail }) };
        }),
      ...(failures.length > 0 && { ErrorList: failures }),
    };
  };
}
