// portrait_get and portrait_set: profiles as lists of Tag and Value (contract 6.1, 6.2).
import type { Envelope, PortraitGetResponse } from '../../tencent/wire.ts';
import type { Announcements } from '../announcements.ts';
import { readAccount, readBatch } from '../body.ts';
import { Refusal } from '../envelope.ts';
import type { ProfileTags } from '../profile-tags.ts';
import type { World } from '../world.ts';
import { type FieldsOf, failed, type Handler, processed, switchedFailure } from './batch-items.ts';

const MOST_READ = 100;
const MOST_TAGS_SET = 50;

type Dependencies = { world: World; tags: ProfileTags };

export function createPortraitGet({ world, tags }: Dependencies): Handler<FieldsOf<PortraitGetResponse>> {
  return (body, call) => {
    const users = body.To_Account;
    if (!Array.isArray(users) || users.length === 0) throw new Refusal(40002);
    const ids = readBatch(users, { field: 'To_Account', most: MOST_READ, code: 40001 });
    const wanted = readBatch(body.TagList, { field: 'TagList', most: Number.POSITIVE_INFINITY, code: 40001 });
    for (const tag of wanted) tags.requireTag(tag);
    if (call.faults.unknownFailsAll && !ids.every(world.has)) throw new Refusal(40003);

    const results = ids.map((id) => {
      const profile = world.profile(id);
      const failure = switchedFailure(id, call);
      if (failure || !profile) return failure ?? failed(id, 40003);
      // Unset tags are left out, as in lists.
      const items = wanted.flatMap((tag) => profile.items.filter(({ Tag }) => Tag === tag));
      return { ...processed(id), ProfileItem: items };
    });
    const broken = results.filter(({ ResultCode }) => ResultCode !== 0).map(({ To_Account }) => To_Account);
    return { UserProfileItem: results, ...(broken.length > 0 && { Fail_Account: broken }) };
  };
}

export function createPortraitSet({
  world,
  tags,
  announce,
}: Dependencies & { announce: Announcements }): Handler<FieldsOf<Envelope>> {
  return (body, { operator, clientIp }) => {
    const id = readAccount(body.From_Account, { field: 'From_Account', code: 40001 });
    const items = body.ProfileItem;
    if (!Array.isArray(items) || items.length === 0 || items.length > MOST_TAGS_SET) {
      throw new Refusal(40001, `ProfileItem must hold 1 to ${MOST_TAGS_SET} entries`);
    }
    // All or nothing: every entry is read before the first one is written.
    const changes = items.map(tags.readItem);
    if (!world.has(id)) throw new Refusal(40003);
    const changed = world.setProfile(id, Object.fromEntries(changes.map(({ Tag, Value }) => [Tag, Value])));
    announce.profileSet(id, changed, operator, { clientIp, platform: 'RESTAPI' });
    return {};
  };
}
