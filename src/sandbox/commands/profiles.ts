// portrait_get: profiles as lists of Tag and Value (CONTRACT 6.1, 6.3); account_check: who exists (CONTRACT 6.4).
import type { AccountCheckResponse, PortraitGetResponse } from '../../tencent/wire.ts';
import { failAccounts, pluck, readBatch } from '../checks.ts';
import { failed, faultOf, type Handler, processed, Refusal } from '../envelope.ts';
import type { World } from '../world.ts';

const MAX_ACCOUNTS = 100;

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
    return { UserProfileItem: results, ...failAccounts(results) };
  };
}

const TEXT = /^/;
/** What a tag may hold: a text, or a number where it is null (CONTRACT 6.3). */
const STANDARD_TAGS = {
  ...{ Nick: TEXT, Image: TEXT, Location: TEXT, SelfSignature: TEXT },
  ...{ BirthDay: null, Language: null, MsgSettings: null, Level: null, Role: null },
  Gender: /^Gender_Type_(Unknown|Female|Male)$/,
  AllowType: /^AllowType_Type_(NeedConfirm|AllowAny|DenyAny)$/,
  AdminForbidType: /^AdminForbid_Type_(None|SendOut)$/,
};

/** The tags that the app has, and what each may hold; throws for custom fields that it cannot have. */
export function knownTags(customFields: readonly string[]): ReadonlyMap<string, RegExp | null> {
  const bad = customFields.find((key) => !/^[A-Za-z]{1,8}$/.test(key));
  if (bad !== undefined) throw new Error(`Custom field ${JSON.stringify(bad)} must be one to eight letters`);
  return new Map([
    ...Object.entries(STANDARD_TAGS).map(([key, value]) => [`Tag_Profile_IM_${key}`, value] as const),
    ...customFields.map((key) => [`Tag_Profile_Custom_${key}`, TEXT] as const),
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
