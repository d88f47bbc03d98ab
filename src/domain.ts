// The domain, plugged together: what is remembered, what has changed, and what is told of it.
import { createLog, type Log } from './cache/log.ts';
import type { RedisLink } from './cache/redis-link.ts';
import { createTurns } from './cache/turns.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { amendMemory } from './follow/amended-memory.ts';
import { createChangedProfiles } from './follow/changed-profiles.ts';
import { createFollowWriter, type FollowWriter } from './follow/follow-writer.ts';
import type { MemoryObserver } from './follow/kinds.ts';
import { createKnownFans, type FindKnownFans } from './follow/known-fans.ts';
import { createLive, type Live } from './follow/live.ts';
import { createFollowMemory, type FollowMemory } from './follow/memory.ts';
import { createRecentChanges, type RecentChanges } from './follow/recent-changes.ts';
import { createSettling, type Settling } from './follow/settling.ts';
import type { TencentClient, TencentClientOptions } from './tencent/client.ts';
import { createFollowService } from './tencent/follow-service.ts';
import { createProfileService } from './tencent/profile-service.ts';

export type Domain = {
  /** What is known now: remembered, asked for, and amended by what has changed lately. */
  memory: FollowMemory;
  /** The same as the upstream says it. */
  remembered: FollowMemory;
  writer: FollowWriter;
  live: Live;
  findKnownFans: FindKnownFans;
  changes: Log;
  recent: RecentChanges;
  settling: Settling;
  /** Resolves when this replica knows what the others have told, or cannot know it. */
  ready(): Promise<void>;
  /** Finishes changes that are under way, and hears no more of others. */
  close(): Promise<void>;
  /** Stops at once. */
  destroy(): void;
};

export type DomainDependencies = {
  client: Pick<TencentClient, 'call'>;
  /** `prefix` begins all keys. Null: no other replica is heard of. */
  redis: { link: RedisLink; prefix: string } | null;
  clock: Clock;
  report: TencentClientOptions['report'];
  observer: MemoryObserver | undefined;
};

/** A start waits so long at most for hearing the other replicas: until then nothing that is remembered is trusted. */
const HEARING_MS = 1000;

export function createDomain(config: Config, dependencies: DomainDependencies): Domain {
  const { client, redis, clock, report, observer } = dependencies;
  const lagMs = config.writeLagMs;
  const { toldMs, usableMs } = config.lifetimes.page;
  const changes = createLog({
    link: redis?.link ?? null,
    key: `${redis?.prefix}:log`,
    most: config.eventLogLength,
    clock,
  });
  const follow = createFollowService(client, {
    onBehalfOf: config.tencent.adminId,
    embeddedProfile: config.embeddedProfile,
  });
  const remembered = createFollowMemory({
    follow,
    profiles: createProfileService(client, { customFields: config.profileCustomFields, clock, report }),
    clock,
    lifetimes: config.lifetimes,
    memoryBytes: config.memoryBytes,
    redis,
    settleMs: lagMs,
    observer,
  });
  const recent = createRecentChanges({ log: changes, clock, lagMs });
  // As long as a page may stand in for a newer one, so long it may show an old profile.
  const changedProfiles = createChangedProfiles({ log: changes, clock, pageMs: Math.max(toldMs, usableMs) });
  const memory = amendMemory(remembered, recent, changedProfiles);
  const settling = createSettling({ forget: remembered.forget, clock, lagMs });
  const turns = createTurns({ redis, clock });
  const live = createLive({ log: changes, clock, mostSubscriptions: config.maxSubscriptions });

  return {
    memory,
    remembered,
    writer: createFollowWriter({ follow, memory: remembered, recent, settling, log: changes, turns, clock }),
    live,
    findKnownFans: createKnownFans(memory, { maxCalls: config.knownFansMaxCalls }),
    changes,
    recent,
    settling,
    async ready() {
      await Promise.all([changes.ready(), Promise.race([remembered.ready(), clock.sleep(HEARING_MS)])]);
    },
    async close() {
      // A change goes on when its client is gone.
      await turns.settled();
      settling.close();
    },
    destroy() {
      live.close();
      settling.close();
      changes.close();
    },
  };
}
