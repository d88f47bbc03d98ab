// portrait_get: profiles as lists of Tag and Value (CONTRACT 6.1, 6.3); account_check: who exists (CONTRACT 6.4).
import type { AccountCheckResponse, PortraitGetResponse } from '../../tencent/wire.ts';
import { pluck, readBatch } from '../checks.ts';
import { failed, faultOf, type Handler, processed, Refusal } from '../envelope.ts';
import type { World } from '../world.ts';

const MAX_ACCOUNTS = 100;
const STANDARD_TAGS =
  'Nick Gender BirthDay Location SelfSignature AllowType Language Image MsgSettings AdminForbidType Level Role'.split(
    ' ',
  );

type Dependencies = {
  world: World;
  /** Keys that the app has created in its console, without the prefix `Tag_Profile_Custom_`. */
  customFields: readonly string[];
};

export function createPortraitGet({ world, customFields }: Dependencies): Handler<PortraitGetResponse> {
  const known = knownTags(customFields);

  return (body, call) => {
    const users = body.To_Account;
    if (!Array.isArray(users) || users.length === 0) throw new Refusal(40002, 'Err_Profile_No_To_Account');
    const ids = readBatch(users, { field: 'To_Account', max: MAX_ACCOUNTS, code: 40001 });
    const tags = readBatch(body.TagList, { field: 'TagList', max: Number.POSITIVE_INFINITY, code: 40001 });
    const stranger = tags.find((tag) => !known.has(tag));
    if (stranger !== undefined) throw new Refusal(40009, `Err_Profile_Tag_Not_Found: ${stranger}`);
    if (call.faults.unknownFailsAll && !ids.every(world.has)) throw new Refusal(40003);

    const results = ids.map((id) => {
      const profile = world.profile(id);
      const failure = faultOf(id, call) ?? (profile ? undefined : failed(id, 40003));
      // Unset tags are left out, as in lists.
      const items = tags.flatMap((tag) => profile?.items.filter(({ Tag }) => Tag === tag) ?? []);
      return failure ?? { ...processed(id), ProfileItem: items };
    });
    const broken = results.filter(({ ResultCode }) => ResultCode !== 0).map(({ To_Account }) => To_Account);
    return { UserProfileItem: results, ...(broken.length > 0 && { Fail_Account: broken }) };
  };
}

/** The tags that the app has; throws for custom fields that it cannot have. */
export function knownTags(customFields: readonly string[]): ReadonlySet<string> {
  const bad = customFields.find((key) => !/^[A-Za-z]{1,8}$/.test(key));
  if (bad !== undefined) throw new Error(`Custom field ${JSON.stringify(bad)} must be one to eight letters`);
  return new Set([
    ...STANDARD_TAGS.map((key) => `Tag_Profile_IM_${key}`),
    ...customFields.map((key) => `Tag_Profile_Custom_${key}`),
  ]);
}

export function createAccountCheck({ world }: { world: World }): Handler<AccountCheckResponse> {
  return (body, call) => ({
    ResultItem: readBatch(pluck(body.CheckItem, 'UserID'), { field: 'CheckItem', max: MAX_ACCOUNTS, code: 70402 }).map(
      (UserID) => {
        const failure = faultOf(UserID, call);
        if (failure) return { UserID, ResultCode: failure.ResultCode, ResultInfo: failure.ResultInfo };
        const AccountStatus = world.has(UserID) ? 'Imported' : 'NotImported';
        return { UserID, ResultCode: 0, ResultInfo: '', AccountStatus };
      },
    ),
  });
}
