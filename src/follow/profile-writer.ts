// Edits of a viewer's own profile: all of them or none, and seen by the next read in every list.
import type { ChangeStream } from '../cache/change-stream.ts';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { CachedFollowService } from './cached-follow-service.ts';
import type { HeardChange } from './changes.ts';
import type { FollowWriter } from './follow-writer.ts';
import type { ProfileEdit, UserId } from './model.ts';
import { mayHaveHappened, sendSurely } from './send-surely.ts';
import type { Batch, CallOptions, ProfileEditService, ProfileService } from './services.ts';

export type ProfileWriter = ReturnType<typeof createProfileWriter>;

export type ProfileWriterOptions = {
  /** The upstream itself. */
  profiles: ProfileEditService & Pick<ProfileService, 'readProfiles'>;
  cache: Pick<CachedFollowService, 'invalidate' | 'invalidateLater'>;
  follows: Pick<FollowWriter, 'inTurn'>;
  stream: Pick<ChangeStream<HeardChange>, 'append'>;
  clock: Clock;
};

export function createProfileWriter({ profiles, cache, follows, stream, clock }: ProfileWriterOptions) {
  async function changeNow(userId: UserId, edits: readonly ProfileEdit[], call: CallOptions): Promise<Batch<'done'>> {
    const outcomes = await sendSurely<'done'>(
      [userId],
      async () => {
        const outcome = await profiles.writeProfile(userId, edits, call).then(() => 'done' as const, asGatewayError);
        return new Map([[userId, outcome]]);
      },
      async () => {
        const profile = (await profiles.readProfiles([userId], call)).get(userId);
        return new Map(
          profile && !(profile instanceof GatewayError) ? [[userId, profiles.hasAll(profile, edits)]] : [],
        );
      },
    );
    const outcome = outcomes.get(userId);
    if (outcome !== 'done' && !mayHaveHappened(outcome)) return outcomes;
    const event = { type: 'profile-changed', userId } as const;
    await cache.invalidate(event);
    if (outcome === 'done') await stream.append({ ...event, at: clock.now(), isOwn: true });
    cache.invalidateLater(event);
    return outcomes;
  }

  return {
    faultOf: profiles.faultOf,
    /** Sets fields of `userId`'s profile that have no faults; resolves with the failure, or null. */
    async change(userId: UserId, edits: readonly ProfileEdit[], call: CallOptions): Promise<GatewayError | null> {
      const outcomes = await follows.inTurn(userId, [userId], call, () => changeNow(userId, edits, call));
      const outcome = outcomes.get(userId);
      return outcome instanceof GatewayError ? outcome : null;
    },
  };
}

function asGatewayError(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  throw error;
}
