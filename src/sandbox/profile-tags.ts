// Which profile tags exist and which values they take (contract 6.3). Lengths are UTF-8 bytes.
import type { WireProfileItem } from '../tencent/wire.ts';
import { isBody } from './body.ts';
import { Refusal } from './envelope.ts';

type Rule = { type: 'string'; mostBytes?: number; oneOf?: readonly string[] } | { type: 'uint32' };

const TEXT: Rule = { type: 'string', mostBytes: 500 };
const NUMBER: Rule = { type: 'uint32' };

const STANDARD_TAGS: Readonly<Record<string, Rule>> = {
  Tag_Profile_IM_Nick: TEXT,
  Tag_Profile_IM_Gender: { type: 'string', oneOf: ['Gender_Type_Unknown', 'Gender_Type_Female', 'Gender_Type_Male'] },
  Tag_Profile_IM_BirthDay: NUMBER,
  Tag_Profile_IM_Location: { type: 'string', mostBytes: 16 },
  Tag_Profile_IM_SelfSignature: TEXT,
  Tag_Profile_IM_AllowType: {
    type: 'string',
    oneOf: ['AllowType_Type_NeedConfirm', 'AllowType_Type_AllowAny', 'AllowType_Type_DenyAny'],
  },
  Tag_Profile_IM_Language: NUMBER,
  Tag_Profile_IM_Image: TEXT,
  Tag_Profile_IM_MsgSettings: NUMBER,
  Tag_Profile_IM_AdminForbidType: { type: 'string', oneOf: ['AdminForbid_Type_None', 'AdminForbid_Type_SendOut'] },
  Tag_Profile_IM_Level: NUMBER,
  Tag_Profile_IM_Role: NUMBER,
};

const CUSTOM_PREFIX = 'Tag_Profile_Custom_';

export type ProfileTags = ReturnType<typeof createProfileTags>;

/** `customFields` are the keys that this app has created in its console, without the prefix. */
export function createProfileTags(customFields: readonly string[]) {
  const bad = customFields.find((key) => !/^[A-Za-z]{1,8}$/.test(key));
  if (bad !== undefined) throw new Error(`Custom field ${JSON.stringify(bad)} must be one to eight letters`);
  const rules = new Map(Object.entries(STANDARD_TAGS));
  for (const key of customFields) rules.set(CUSTOM_PREFIX + key, TEXT);

  function ruleOf(tag: string): Rule {
    const rule = rules.get(tag);
    if (!rule) throw new Refusal(40009, `Err_Profile_Tag_Not_Found: ${tag}`);
    return rule;
  }

  function readItem(item: unknown): WireProfileItem {
    if (!isBody(item) || typeof item.Tag !== 'string' || item.Value === undefined) {
      throw new Refusal(40001, 'Err_Profile_Comm_Decode_Fail: an entry of ProfileItem lacks Tag or Value');
    }
    const { Tag, Value } = { Tag: item.Tag, Value: item.Value };
    const rule = ruleOf(Tag);
    if (rule.type === 'uint32') {
      if (typeof Value !== 'number') throw new Refusal(40610, `Err_Profile_Bad_Value_Type: ${Tag} takes a number`);
      if (!Number.isInteger(Value) || Value < 0 || Value > 0xffff_ffff) {
        throw new Refusal(40605, `Err_Profile_Bad_Value: ${Tag}`);
      }
      return { Tag, Value };
    }
    if (typeof Value !== 'string') throw new Refusal(40610, `Err_Profile_Bad_Value_Type: ${Tag} takes a string`);
    if (rule.mostBytes !== undefined && Buffer.byteLength(Value) > rule.mostBytes) {
      throw new Refusal(40601, `Err_Profile_Value_Too_Long: ${Tag} takes ${rule.mostBytes} bytes`);
    }
    if (rule.oneOf && !rule.oneOf.includes(Value)) throw new Refusal(40605, `Err_Profile_Bad_Value: ${Tag}`);
    return { Tag, Value };
  }

  return {
    /** Refuses with 40009 when the app has no such tag. */
    requireTag: (tag: string): void => void ruleOf(tag),
    readItem,
  };
}
