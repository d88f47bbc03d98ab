// Edits of a viewer's own profile: all of them or none, and seen by the next read in every list.
import type { ChangeStream } from '../cache/change-stream.ts';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { HeardChange } from './changes.ts';
import type { Profile, ProfileEdit, UserId } from './model.ts';
import { type CallOptions, outcomeOf, type ProfileEditService, type ProfileService } from './services.ts';
import type { Writes } from './writes.ts';

export type ProfileWriter = ReturnType<typeof createProfileWriter>;

export type ProfileWriterOptions = {
  /** The upstream itself. */
  profiles: ProfileEditService & Pick<ProfileService, 'readProfiles'>;
  writes: Pick<Writes, 'inTurn' | 'makeSo'>;
  stream: Pick<ChangeStream<HeardChange>, 'append'>;
  clock: Clock;
};

export function createProfileWriter({ profiles, writes, stream, clock }: ProfileWriterOptions) {
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
      const outcomes = await writes.inTurn(userId, [userId], call, () => changeNow(userId, edits, call));
      const outcome = outcomes.get(userId);
      return outcome instanceof GatewayError ? outcome : null;
    },
  };
}
