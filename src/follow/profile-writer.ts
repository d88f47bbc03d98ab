// Edits of a viewer's own profile: all of them or none, and seen by the next read in every list.
import { GatewayError } from '../errors.ts';
import type { Profile, ProfileEdit, UserId } from './model.ts';
import { type CallOptions, outcomeOf, type ProfileEditService, type ProfileService } from './services.ts';
import type { Writes } from './writes.ts';

export type ProfileWriter = ReturnType<typeof createProfileWriter>;

/** `profiles` is the upstream itself. */
export function createProfileWriter(
  profiles: ProfileEditService & Pick<ProfileService, 'readProfiles'>,
  writes: Writes,
) {
  const { stream, clock } = writes;

  const changeNow = (userId: UserId, edits: readonly ProfileEdit[], call: CallOptions) =>
    writes.makeSo<Profile, never>([userId], {
      send: async () => new Map([[userId, await outcomeOf(() => profiles.writeProfile(userId, edits, call))]]),
      before: new Map(),
      read: (ids) => profiles.readProfiles(ids, call),
      isSo: (profile) => profiles.hasAll(profile, edits),
      eventOf: () => ({ type: 'profile-changed', userId }),
      tell: async () => {
        await stream.append({ type: 'profile-changed', userId, at: clock.now(), isOwn: true });
      },
    });

  return {
    faultOf: profiles.faultOf,
    /** Sets fields of `userId`'s profile that have no faults; resolves with the failure, or null. */
    async change(userId: UserId, edits: readonly ProfileEdit[], call: CallOptions): Promise<GatewayError | null> {
      const outcomes = await writes.runExclusive(userId, [userId], call, () => changeNow(userId, edits, call));
      const outcome = outcomes.get(userId);
      return outcome instanceof GatewayError ? outcome : null;
    },
  };
}
