// black_list_add, black_list_delete, black_list_check and black_list_get (CONTRACT 10).
import type { BlackCheckRelation } from '../../tencent/wire.ts';
import { doneOf, failAccounts, failureOf, readFromAccount, readTargets } from '../checks.ts';
import { failed, type Handler, type Parts, processed, Refusal } from '../envelope.ts';
import type { DrawnFaults } from '../faults.ts';

const MAX_TARGETS = 1000;
const MAX_BLOCKED = 1000;

export function createBlockCommands({ world, act }: Parts) {
  /** Why `to` cannot be blocked by an account that blocks `blocked` others. */
  function refusalOf(from: string, to: string, blocked: number, faults: DrawnFaults) {
    if (to === from) return failed(to, 30001, 'From_Account cannot block itself');
    if (world.hasBlocked(from, to))
      return faults.blockedAgainOk ? undefined : failed(to, 30001, 'Err_SNS_BlackListAdd_Already_Exist');
    return blocked >= MAX_BLOCKED ? failed(to, 30013) : undefined;
  }

  const changeTo =
    (isBlocked: boolean): Handler =>
    (body, faults) => {
      const { from, targets } = readTargets(world, body, MAX_TARGETS);
      let blocked = world.blockedBy(from).length;
      const ResultItem = targets.map((to) => {
        const failure = failureOf(world, to, faults) ?? (isBlocked ? refusalOf(from, to, blocked, faults) : undefined);
        if (!failure) blocked++;
        return failure ?? processed(to);
      });
      act.block(from, doneOf(ResultItem), isBlocked);
      return { ResultItem, ...failAccounts(ResultItem) };
    };

  const black_list_check: Handler = (body, faults) => {
    const { from, targets } = readTargets(world, body, MAX_TARGETS);
    const [, type] = /^BlackCheckResult_Type_(Single|Both)$/.exec(String(body.CheckType)) ?? [];
    if (!type) throw new Refusal(30001, 'CheckType must be BlackCheckResult_Type_Single or BlackCheckResult_Type_Both');
    const relation = (to: string): BlackCheckRelation => {
      const [out, back] = [world.hasBlocked(from, to), type === 'Both' && world.hasBlocked(to, from)];
      if (out) return back ? 'BlackCheckResult_Type_BothWay' : 'BlackCheckResult_Type_AWithB';
      return back ? 'BlackCheckResult_Type_BWithA' : 'BlackCheckResult_Type_NO';
    };
    const items = targets.map((to) => failureOf(world, to, faults) ?? { ...processed(to), Relation: relation(to) });
    return { BlackListCheckItem: items, ...failAccounts(items) };
  };

  const black_list_get: Handler = (body) => {
    const from = readFromAccount(body, 30001);
    const { StartIndex: start, MaxLimited: max } = body;
    if (!isCount(start) || !isCount(max) || max > MAX_TARGETS) throw new Refusal(30001);
    if (!world.has(from)) throw new Refusal(30003);
    const all = world.blockedBy(from).filter(([to]) => world.has(to));
    return {
      BlackListItem: all.slice(start, start + max).map(([id, time]) => ({ To_Account: id, AddBlackTimeStamp: time })),
      StartIndex: start + max < all.length ? start + max : 0,
      CurruentSequence: 1,
    };
  };

  return { black_list_add: changeTo(true), black_list_delete: changeTo(false), black_list_check, black_list_get };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
