// Profiles as the upstream offers them: all configured tags at once, unknown accounts kept apart from the others.
import type { Clock } from '../clock.ts';
import { PER_CALL, type Profile, type UserId } from '../follow/model.ts';
import type { Batch, CallOptions, ProfileEditService, ProfileService } from '../follow/services.ts';
import type { Report } from '../report.ts';
import { askInChunks, type BatchItems, readItems } from './batch.ts';
import type { TencentClient } from './client.ts';
import { CUSTOM_TAG_PREFIX, parseProfile, STANDARD_TAGS, wireItemOf } from './profile.ts';
import { isRefusal, malformedAnswer } from './upstream-errors.ts';

export type ProfileServiceOptions = {
  /** Keys of the app's own tags, without `Tag_Profile_Custom_` (CONTRACT 6.3). */
  customFields: readonly string[];
  clock: Clock;
  report?: Report;
};

const NOT_IMPORTED = 40003;
export const NO_SUCH_TAG = 40009;
/** A standard tag that not every app may have: the current documents do not list it (CONTRACT 6.3). */
const UNSURE_TAG = 'Tag_Profile_IM_MsgSettings';
/** A tag made in the console works after about five minutes (CONTRACT 6.3). */
const LEFT_OUT_MS = 5 * 60_000;

/** Creates the profile service over `portrait_get` and `portrait_set` (CONTRACT 6.1, 6.2). */
export function createProfileService(
  client: Pick<TencentClient, 'call'>,
  { customFields, clock, report = () => {} }: ProfileServiceOptions,
): ProfileService & ProfileEditService {
  const custom = [...new Set(customFields.map((key) => `${CUSTOM_TAG_PREFIX}${key}`))];
  let leftOut = { tags: [] as readonly string[], until: 0 };
  const refusedTags = () => (clock.monotonicMs() < leftOut.until ? leftOut.tags : []);

  async function readKnown(accounts: readonly UserId[], call: CallOptions): Promise<Batch<Profile>> {
    const refused = refusedTags();
    const TagList = [...STANDARD_TAGS, ...custom].filter((tag) => !refused.includes(tag));
    try {
      const answer = await client.call('portrait_get', { To_Account: accounts, TagList }, call);
      return readItems('portrait_get', answer, PROFILES);
    } catch (error) {
      if (!isRefusal(error, NO_SUCH_TAG) || !leaveOut(TagList, error.errorInfo)) throw error;
      return readKnown(accounts, call);
    }
  }

  /** Leaves out the tags of `asked` that the refusal names, or all that can be missing; false when there are none. */
  function leaveOut(asked: readonly string[], errorInfo: string): boolean {
    const named: readonly string[] = errorInfo.match(/Tag_Profile_\w+/g) ?? [];
    const culprits = asked.filter((tag) => named.includes(tag));
    const tags = culprits.length > 0 ? culprits : asked.filter((tag) => tag === UNSURE_TAG || custom.includes(tag));
    if (tags.length === 0) return false;
    leftOut = { tags: [...new Set([...refusedTags(), ...tags])], until: clock.monotonicMs() + LEFT_OUT_MS };
    report('the upstream refuses a profile tag: these are left out for five minutes', { tags: tags.join() });
    return true;
  }

  // Some apps' upstreams refuse a whole batch for one account that was never imported (CONTRACT 6.1).
  async function readSome(accounts: readonly UserId[], call: CallOptions): Promise<Batch<Profile>> {
    try {
      return await readKnown(accounts, call);
    } catch (error) {
      if (!isRefusal(error, NOT_IMPORTED)) throw error;
      if (accounts.length === 1) return new Map(accounts.map((account) => [account, error]));
      const request = { CheckItem: accounts.map((UserID) => ({ UserID })) };
      const { ResultItem: items } = await client.call('account_check', request, call);
      const missing = Array.isArray(items) ? items.filter((item) => item?.AccountStatus === 'NotImported') : [];
      const unknown = new Set<unknown>(missing.map((item) => item.UserID));
      const known = accounts.filter((account) => !unknown.has(account));
      if (known.length === accounts.length) throw malformedAnswer('portrait_get', 'all accounts exist');
      const batch: Batch<Profile> = known.length > 0 ? await readKnown(known, call) : new Map();
      for (const account of accounts) if (unknown.has(account)) batch.set(account, error);
      return batch;
    }
  }

  return {
    readProfiles: (userIds, call) =>
      askInChunks('portrait_get', userIds, PER_CALL.profiles, (chunk) => readSome(chunk, call)),
    faultOf(edit) {
      const item = wireItemOf(edit);
      return typeof item === 'string' ? item : null;
    },
    async writeProfile(userId, edits, call) {
      const request = { From_Account: userId, ProfileItem: edits.map(wireItemOf) };
      await client.call('portrait_set', request, call);
      return 'done';
    },
    hasAll: ({ items }, edits) =>
      edits.every((edit) => {
        const item = wireItemOf(edit);
        if (typeof item === 'string') return false;
        const found = items.find(({ tag }) => tag === item.Tag);
        // A profile leaves unset tags out.
        return found ? found.value === item.Value : !item.Value;
      }),
    refusedTags,
    asAsked(profile) {
      // Mostly there is nothing to leave out, and then the page and the profile share one object.
      if (profile.customFields.every(({ key }) => customFields.includes(key))) return profile;
      return {
        ...profile,
        customFields: profile.customFields.filter(({ key }) => customFields.includes(key)),
        items: profile.items.filter(({ tag }) => !tag.startsWith(CUSTOM_TAG_PREFIX) || custom.includes(tag)),
      };
    },
  };
}

// An account that failed says so in its item; `Fail_Account` only lists it again.
const PROFILES: BatchItems<Profile> = {
  field: 'UserProfileItem',
  read: ({ ProfileItem: items = [] }) => (Array.isArray(items) ? parseProfile(items, null) : undefined),
};
