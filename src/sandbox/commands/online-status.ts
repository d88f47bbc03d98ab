// query_online_status: which accounts are connected, and by what (CONTRACT 11).
import { readBatch } from '../checks.ts';
import { faultOf, type Handler, type Parts, Refusal } from '../envelope.ts';

const MAX_ACCOUNTS = 500;

export function createOnlineStatus({ world }: Parts): Handler {
  return (body, call) => {
    if (body.To_Account === undefined) throw new Refusal(90003, 'To_Account is missing');
    if (Array.isArray(body.To_Account) && body.To_Account.length > MAX_ACCOUNTS) throw new Refusal(90011);
    const ids = readBatch(body.To_Account, { field: 'To_Account', max: MAX_ACCOUNTS, code: 90001 });
    const codeOf = (id: string) => faultOf(id, call)?.ResultCode ?? (world.has(id) ? 0 : 70107);
    const QueryResult = ids
      .filter((id) => codeOf(id) === 0)
      .map((id) => {
        const devices = world.devices(id);
        // Online comes before PushOnline in the alphabet too.
        const [best] = devices.map(([, status]) => status).sort();
        return {
          To_Account: id,
          [call.faults.stateKey ? 'State' : 'Status']: best ?? 'Offline',
          ...(body.IsNeedDetail === 1 &&
            best && { Detail: devices.map(([Platform, Status]) => ({ Platform, Status })) }),
        };
      });
    const ErrorList = ids.filter((id) => codeOf(id) !== 0).map((id) => ({ To_Account: id, ErrorCode: codeOf(id) }));
    return { QueryResult, ...(ErrorList.length > 0 && { ErrorList }) };
  };
}
