// Profiles as the upstream offers them: all configured tags at once, whoever is unknown kept apart from the others.
import type { Clock } from '../clock.ts';
import type { Profile, UserId } from '../follow/model.ts';
import type { Batch, CallOptions, ProfileService } from '../follow/services.ts';
import { askInChunks, readItems } from './batch.ts';
import type { TencentClient } from './client.ts';
import { isolate } from './isolate.ts';
import { CUSTOM_TAG_PREFIX, parseProfile, STANDARD_TAGS } from './profile.ts';
import { createRefusedTags } from './refused-tags.ts';
import type { Report } from './report.ts';
import { malformedAnswer, UpstreamRefusal } from './upstream-errors.ts';
import type { AccountCheckRequest, PortraitGetRequest } from './wire.ts';

export type ProfileServiceOptions = {
  /** Keys of the app's own tags, without `Tag_Profile_Custom_` (contract 6.3). */
  customFields: readonly string[];
  clock: Clock;
  report?: Report;
};

const MAX_ACCOUNTS = 100;
const NOT_IMPORTED = 40003;
const NO_SUCH_TAG = 40009;
// Refused tags are found a few at a time; more rounds than this means that something else is wrong.
const MAX_TAG_ROUNDS = 4;

/** Creates the profile service over `portrait_get` (contract 6.1). */
export function createProfileService(
  client: Pick<TencentClient, 'call'>,
  options: ProfileServiceOptions,
): ProfileService {
  const { customFields, clock, report = () => {} } = options;
  const custom = customFields.map((key) => `${CUSTOM_TAG_PREFIX}${key}`);
  const refusedTags = createRefusedTags([...new Set([...STANDARD_TAGS, ...custom])], clock, report);

  const portraits = (accounts: readonly UserId[], tags: readonly string[], call: CallOptions) => {
    const request: PortraitGetRequest = { To_Account: [...accounts], TagList: [...tags] };
    return client.call('portrait_get', request, call);
  };

  /** Reads known accounts, going round tags that the app does not have. */
  async function readKnown(accounts: readonly UserId[], call: CallOptions): Promise<Batch<Profile>> {
    for (let round = 1; ; round++) {
      const { asked } = refusedTags.split();
      try {
        return readProfiles(await portraits(accounts, asked, call));
      } catch (error) {
        if (!isRefusal(error, NO_SUCH_TAG) || round === MAX_TAG_ROUNDS) throw error;
        // One account is enough to ask about tags.
        const refuses = (tags: readonly string[]) =>
          isRefusedWith(NO_SUCH_TAG, () => portraits(accounts.slice(0, 1), tags, call));
        await refusedTags.learn(asked, error, refuses);
      }
    }
  }

  // Some apps' upstreams refuse a whole batch for one account that was never imported (contract 6.1).
  async function readSome(accounts: readonly UserId[], call: CallOptions): Promise<Batch<Profile>> {
    try {
      return await readKnown(accounts, call);
    } catch (error) {
      if (!isRefusal(error, NOT_IMPORTED)) throw error;
      if (accounts.length === 1) return new Map(accounts.map((account) => [account, error]));
      const unknown = new Set(await findUnknown(accounts, call));
      const known = accounts.filter((account) => !unknown.has(account));
      const batch = known.length > 0 ? await readKnown(known, call) : new Map();
      for (const account of unknown) batch.set(account, error);
      return batch;
    }
  }

  // account_check tells all of them for one call; halving is for when it tells nothing.
  async function findUnknown(accounts: readonly UserId[], call: CallOptions): Promise<UserId[]> {
    const request: AccountCheckRequest = { CheckItem: accounts.map((UserID) => ({ UserID })) };
    const unknown = await client.call('account_check', request, call).then(readNotImported, () => []);
    if (unknown.length > 0) return unknown.filter((account) => accounts.includes(account));
    return isolate(accounts, (part) => isRefusedWith(NOT_IMPORTED, () => readKnown(part, call)));
  }

  return {
    readProfiles: (userIds, call) =>
      askInChunks('portrait_get', userIds, MAX_ACCOUNTS, (chunk) => readSome(chunk, call)),
    refusedTags: () => refusedTags.split().refused,
    asAsked(profile) {
      // Mostly there is nothing to leave out, and then the page and the profile share one object.
      if (profile.customFields.length === 0) return profile;
      if (profile.customFields.every(({ key }) => customFields.includes(key))) return profile;
      return {
        ...profile,
        customFields: profile.customFields.filter(({ key }) => customFields.includes(key)),
        items: profile.items.filter(({ tag }) => !tag.startsWith(CUSTOM_TAG_PREFIX) || custom.includes(tag)),
      };
    },
  };
}

function readProfiles(answer: Record<string, unknown>): Batch<Profile> {
  const known = { version: null, whole: true };
  const batch = readItems('portrait_get', answer, 'UserProfileItem', ({ ProfileItem: items = [] }) =>
    Array.isArray(items) ? parseProfile(items, known) : undefined,
  );
  const failed = answer.Fail_Account;
  if (!Array.isArray(failed)) return batch;
  for (const account of failed as unknown[]) {
    if (typeof account !== 'string' || batch.get(account) instanceof Error) continue;
    batch.set(account, malformedAnswer('portrait_get', 'an account failed without a reason'));
  }
  return batch;
}

function readNotImported(answer: Record<string, unknown>): UserId[] {
  const items: unknown = answer.ResultItem;
  if (!Array.isArray(items)) return [];
  return items.filter((item) => item?.AccountStatus === 'NotImported').map((item) => String(item.UserID));
}

function isRefusal(error: unknown, code: number): error is UpstreamRefusal {
  return error instanceof UpstreamRefusal && error.upstream?.errorCode === code;
}

async function isRefusedWith(code: number, ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return false;
  } catch (error) {
    if (isRefusal(error, code)) return true;
    // Any other refusal is about something else; no answer at all leaves the question open.
    if (error instanceof UpstreamRefusal && error.upstream?.retryable === false) return false;
    throw error;
  }
}
