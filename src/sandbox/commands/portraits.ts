// portrait_get and portrait_set: profiles as lists of Tag and Value (contract 6.1 to 6.3). Lengths are UTF-8 bytes.
import type { Envelope, PortraitGetResponse, WireProfileItem } from '../../tencent/wire.ts';
import { readBatch, readFromAccount } from '../checks.ts';
import { failed, faultOf, type Handler, processed, Refusal } from '../envelope.ts';
import { isObject } from '../http.ts';
import type { WebhookEvents } from '../webhook-events.ts';
import type { World } from '../world.ts';

const MAX_READ = 100;
const MAX_TAGS_SET = 50;
const MAX_TEXT_BYTES = 500;

/** What a tag takes: a uint32, a text of so many bytes, or one of some texts. */
type TagType = 'uint32' | number | readonly string[];

const STANDARD_TAGS: Readonly<Record<string, TagType>> = {
  Nick: MAX_TEXT_BYTES,
  Gender: ['Gender_Type_Unknown', 'Gender_Type_Female', 'Gender_Type_Male'],
  BirthDay: 'uint32',
  Location: 16,
  SelfSignature: MAX_TEXT_BYTES,
  AllowType: ['AllowType_Type_NeedConfirm', 'AllowType_Type_AllowAny', 'AllowType_Type_DenyAny'],
  Language: 'uint32',
  Image: MAX_TEXT_BYTES,
  MsgSettings: 'uint32',
  AdminForbidType: ['AdminForbid_Type_None', 'AdminForbid_Type_SendOut'],
  Level: 'uint32',
  Role: 'uint32',
};

type Dependencies = {
  world: World;
  events: WebhookEvents;
  /** Keys that the app has created in its console, without the prefix `Tag_Profile_Custom_`. */
  customFields: readonly string[];
};

export function createPortraitCommands({ world, events, customFields }: Dependencies) {
  const bad = customFields.find((key) => !/^[A-Za-z]{1,8}$/.test(key));
  if (bad !== undefined) throw new Error(`Custom field ${JSON.stringify(bad)} must be one to eight letters`);
  const types = new Map<string, TagType>([
    ...Object.entries(STANDARD_TAGS).map(([key, type]): [string, TagType] => [`Tag_Profile_IM_${key}`, type]),
    ...customFields.map((key): [string, TagType] => [`Tag_Profile_Custom_${key}`, MAX_TEXT_BYTES]),
  ]);

  function typeOf(tag: string): TagType {
    const type = types.get(tag);
    if (type === undefined) throw new Refusal(40009, `Err_Profile_Tag_Not_Found: ${tag}`);
    return type;
  }

  function readItem(item: unknown): WireProfileItem {
    if (!isObject(item) || typeof item.Tag !== 'string' || item.Value === undefined) {
      throw new Refusal(40001, 'Err_Profile_Comm_Decode_Fail: an entry of ProfileItem lacks Tag or Value');
    }
    const { Tag, Value } = { Tag: item.Tag, Value: item.Value };
    const type = typeOf(Tag);
    if (typeof Value !== (type === 'uint32' ? 'number' : 'string')) {
      throw new Refusal(40610, `Err_Profile_Bad_Value_Type: ${Tag}`);
    }
    if (typeof Value === 'number' && Number.isInteger(Value) && Value >= 0 && Value <= 0xffff_ffff)
      return { Tag, Value };
    if (typeof Value !== 'string') throw new Refusal(40605, `Err_Profile_Bad_Value: ${Tag}`);
    if (typeof type === 'number' && Buffer.byteLength(Value) > type) {
      throw new Refusal(40601, `Err_Profile_Value_Too_Long: ${Tag} takes ${type} bytes`);
    }
    if (typeof type === 'object' && !type.includes(Value)) throw new Refusal(40605, `Err_Profile_Bad_Value: ${Tag}`);
    return { Tag, Value };
  }

  const portrait_get: Handler<PortraitGetResponse> = (body, call) => {
    const users = body.To_Account;
    if (!Array.isArray(users) || users.length === 0) throw new Refusal(40002, 'Err_Profile_No_To_Account');
    const ids = readBatch(users, { field: 'To_Account', max: MAX_READ, code: 40001 });
    const tags = readBatch(body.TagList, { field: 'TagList', max: Number.POSITIVE_INFINITY, code: 40001 });
    tags.forEach(typeOf);
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

  const portrait_set: Handler<Envelope> = (body, { operator, clientIp }) => {
    const id = readFromAccount(body, 40001);
    const items = body.ProfileItem;
    if (!Array.isArray(items) || items.length === 0 || items.length > MAX_TAGS_SET) {
      throw new Refusal(40001, `ProfileItem must hold 1 to ${MAX_TAGS_SET} entries`);
    }
    // All or nothing: every entry is read before the first one is written.
    const changes = items.map(readItem);
    if (!world.has(id)) throw new Refusal(40003);
    const changed = world.setProfile(id, Object.fromEntries(changes.map(({ Tag, Value }) => [Tag, Value])));
    events.profileSet(id, changed, operator, { clientIp, platform: 'RESTAPI' });
    return {};
  };

  return { portrait_get, portrait_set };
}
