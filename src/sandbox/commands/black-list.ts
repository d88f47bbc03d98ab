// black_list_add, black_list_delete, black_list_check and black_list_get (CONTRACT 10).
import type {
  BlackCheckRelation,
  BlackListChangeResponse,
  BlackListCheckResponse,
  BlackListGetResponse,
  ItemResult,
} from '../../tencent/wire.ts';
import { failureOf, readFromAccount, readTargets } from '../checks.ts';
import { failed, type Handler, processed, Refusal } from '../envelope.ts';
import type { WebhookEvents } from '../webhook-events.ts';
import type { World } from '../world.ts';

const MAX_TARGETS = 1000;
const MAX_BLOCKED = 1000;
const SEQUENCE = 1;

type Dependencies = { world: World; events: Pick<WebhookEvents, 'blocked'> };

export function createBlockCommands({ world, events }: Dependencies) {
  const withFailed = <Field extends string, Item extends ItemResult>(field: Field, items: Item[]) => {
    const broken = items.filter(({ ResultCode }) => ResultCode !== 0).map(({ To_Account }) => To_Account);
    const fields = { [field]: items } as Record<Field, Item[]>;
    return { ...fields, ...(broken.length > 0 && { Fail_Account: broken }) };
  };

  const changeTo =
    (isBlocked: boolean): Handler<BlackListChangeResponse> =>
    (body, call) => {
      const { from, targets } = readTargets(world, body, MAX_TARGETS);
      const changed: string[] = [];
      const items = targets.map((to) => {
        const failure = failureOf(world, to, call);
        if (failure) return failure;
        if (isBlocked && to === from) return failed(to, 30001, 'From_Account cannot block itself');
        if (isBlocked && world.hasBlocked(from, to))
          return call.faults.blockedAgainOk ? processed(to) : failed(to, 30001, 'Err_SNS_BlackListAdd_Already_Exist');
        if (isBlocked && world.blockedBy(from).length >= MAX_BLOCKED) return failed(to, 30013);
        if (world.setBlocked(from, to, isBlocked)) changed.push(to);
        return processed(to);
      });
      events.blocked(from, changed, isBlocked, { clientIp: call.clientIp, platform: 'RESTAPI' });
      return withFailed('ResultItem', items);
    };

  const black_list_check: Handler<BlackListCheckResponse> = (body, call) => {
    const { from, targets } = readTargets(world, body, MAX_TARGETS);
    const [, type] = /^BlackCheckResult_Type_(Single|Both)$/.exec(String(body.CheckType)) ?? [];
    if (!type) throw new Refusal(30001, 'CheckType must be BlackCheckResult_Type_Single or BlackCheckResult_Type_Both');
    const relation = (to: string): BlackCheckRelation => {
      const [out, back] = [world.hasBlocked(from, to), type === 'Both' && world.hasBlocked(to, from)];
      if (out) return back ? 'BlackCheckResult_Type_BothWay' : 'BlackCheckResult_Type_AWithB';
      return back ? 'BlackCheckResult_Type_BWithA' : 'BlackCheckResult_Type_NO';
    };
    const items = targets.map((to) => failureOf(world, to, call) ?? { ...processed(to), Relation: relation(to) });
    return withFailed('BlackListCheckItem', items);
  };

  const black_list_get: Handler<BlackListGetResponse> = (body, { faults }) => {
    const from = readFromAccount(body, 30001);
    const { StartIndex: start, MaxLimited: max } = body;
    if (!isCount(start) || !isCount(max) || max > MAX_TARGETS) throw new Refusal(30001);
    if (!world.has(from)) throw new Refusal(30003);
    const all = world.blockedBy(from).filter(([to]) => world.has(to));
    const end = start + max;
    return {
      BlackListItem: all.slice(start, end).map(([To_Account, time]) => ({ To_Account, AddBlackTimeStamp: time })),
      StartIndex: end < all.length ? end : 0,
      [faults.currentSequence ? 'CurrentSequence' : 'CurruentSequence']: SEQUENCE,
    };
  };

  return {
    black_list_add: changeTo(true),
    black_list_delete: changeTo(false),
    black_list_check,
    black_list_get,
  };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
