// portrait_get: profiles as lists of Tag and Value; portrait_set: one account's profile, all of the request or nothing of
// it (CONTRACT 6.1 to 6.3).
import { failAccounts, pluck, readBatch, readFromAccount } from '../checks.ts';
import { failed, faultOf, type Handler, type Parts, processed, Refusal } from '../envelope.ts';

const MAX_ACCOUNTS = 100;
const MAX_ITEMS = 50;
const MAX_BYTES = 500;
const MAX_LOCATION_BYTES = 16;
const TEXT = /^/;
/** The app's tags and what each may hold: a text, or a number where it is null (CONTRACT 6.3). */
const STANDARD_TAGS = {
  ...{ Nick: TEXT, Image: TEXT, Location: TEXT, SelfSignature: TEXT },
  ...{ BirthDay: null, Language: null, MsgSettings: null, Level: null, Role: null },
  Gender: /^Gender_Type_(Unknown|Female|Male)$/,
  AllowType: /^AllowType_Type_(NeedConfirm|AllowAny|DenyAny)$/,
  AdminForbidType: /^AdminForbid_Type_(None|SendOut)$/,
};
const TAGS: ReadonlyMap<string, RegExp | null> = new Map([
  ...Object.entries(STANDARD_TAGS).map(([key, value]) => [`Tag_Profile_IM_${key}`, value] as const),
  ...['Test', 'Team', 'Mood'].map((key) => [`Tag_Profile_Custom_${key}`, TEXT] as const),
]);

export function createProfileCommands({ world, act }: Parts) {
  const portrait_get: Handler = (body, faults) => {
    const users = body.To_Account;
    if (!Array.isArray(users) || users.length === 0) throw new Refusal(40002, 'Err_Profile_No_To_Account');
    const ids = readBatch(users, { field: 'To_Account', max: MAX_ACCOUNTS, code: 40001 });
    const tags = readBatch(body.TagList, { field: 'TagList', max: Number.POSITIVE_INFINITY, code: 40001 });
    const stranger = tags.find((tag) => !TAGS.has(tag));
    if (stranger !== undefined) throw new Refusal(40009, `Err_Profile_Tag_Not_Found: ${stranger}`);

    const results = ids.map((id) => {
      const profile = world.profile(id);
      const failure = faultOf(id, faults) ?? (profile ? undefined : failed(id, 40003));
      // Unset tags are left out, as in lists.
      const items = tags.flatMap((tag) => profile?.items.filter(({ Tag }) => Tag === tag) ?? []);
      return failure ?? { ...processed(id), ProfileItem: items };
    });
    return { UserProfileItem: results, ...failAccounts(results) };
  };

  function checkTag(tag: string, value: unknown): asserts value is string | number {
    const words = TAGS.get(tag);
    if (words === undefined) throw new Refusal(40009, `Err_Profile_Tag_Not_Found: ${tag}`);
    if (words ? typeof value !== 'string' : !(Number.isInteger(value) && Number(value) >= 0))
      throw new Refusal(40610, `${tag} has a value of the wrong type`);
    const max = tag === 'Tag_Profile_IM_Location' ? MAX_LOCATION_BYTES : MAX_BYTES;
    if (Buffer.byteLength(String(value)) > max) throw new Refusal(40601, `${tag} is longer than ${max} bytes`);
    if (words ? !words.test(String(value)) : Number(value) > 2 ** 32 - 1)
      throw new Refusal(40605, `${tag} cannot have this value`);
  }

  const portrait_set: Handler = (body) => {
    const id = readFromAccount(body, 40001);
    readBatch(pluck(body.ProfileItem, 'Tag'), { field: 'ProfileItem', max: MAX_ITEMS, code: 40001 });
    const tags: Record<string, string | number> = {};
    for (const { Tag, Value } of body.ProfileItem as { Tag: string; Value: unknown }[]) {
      checkTag(Tag, Value);
      tags[Tag] = Value;
    }
    if (!world.has(id)) throw new Refusal(40003);
    act.setProfile(id, tags);
    return {};
  };

  return { portrait_get, portrait_set };
}
