// portrait_set: one account's profile, all of the request or nothing of it (CONTRACT 6.2).
import type { Envelope } from '../../tencent/wire.ts';
import { pluck, readBatch, readFromAccount } from '../checks.ts';
import { type Handler, Refusal } from '../envelope.ts';
import type { WebhookEvents } from '../webhook-events.ts';
import type { World } from '../world.ts';
import { knownTags } from './profiles.ts';

const MAX_ITEMS = 50;
const MAX_BYTES = 500;
const MAX_LOCATION_BYTES = 16;

type Dependencies = { world: World; events: Pick<WebhookEvents, 'profileSet'>; customFields: readonly string[] };

export function createPortraitSet({ world, events, customFields }: Dependencies): Handler<Envelope> {
  const known = knownTags(customFields);

  function check(tag: string, value: unknown): asserts value is string | number {
    const words = known.get(tag);
    if (words === undefined) throw new Refusal(40009, `Err_Profile_Tag_Not_Found: ${tag}`);
    if (words ? typeof value !== 'string' : !(Number.isInteger(value) && Number(value) >= 0))
      throw new Refusal(40610, `${tag} has a value of the wrong type`);
    const max = tag === 'Tag_Profile_IM_Location' ? MAX_LOCATION_BYTES : MAX_BYTES;
    if (Buffer.byteLength(String(value)) > max) throw new Refusal(40601, `${tag} is longer than ${max} bytes`);
    if (words ? !words.test(String(value)) : Number(value) > 2 ** 32 - 1)
      throw new Refusal(40605, `${tag} cannot have this value`);
  }

  return (body, { clientIp }) => {
    const id = readFromAccount(body, 40001);
    readBatch(pluck(body.ProfileItem, 'Tag'), { field: 'ProfileItem', max: MAX_ITEMS, code: 40001 });
    const tags: Record<string, string | number> = {};
    for (const { Tag, Value } of body.ProfileItem as { Tag: string; Value: unknown }[]) {
      check(Tag, Value);
      tags[Tag] = Value;
    }
    if (!world.has(id)) throw new Refusal(40003);
    events.profileSet(id, world.setProfile(id, tags), { clientIp, platform: 'RESTAPI' });
    return {};
  };
}
