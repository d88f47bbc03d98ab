// The domain's parts, wired: what is cached, what has changed, and what subscribers are told of it.
import type { Logger } from 'pino';
import { createChangeStream } from './cache/change-stream.ts';
import type { Redis } from './cache/redis-store.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { createCachedFollowService } from './follow/cached-follow-service.ts';
import { createChangeReader } from './follow/changes.ts';
import { createOwnChanges, withOwnChanges } from './follow/own-changes.ts';
import { createNames } from './follow/select-members.ts';
import { createSubscriptions } from './follow/subscriptions.ts';
import { createWebhookEvents } from './follow/webhook-events.ts';
import { createBlockWriter, createFollowWriter, createProfileWriter } from './follow/writers.ts';
import { createWrites } from './follow/writes.ts';
import { createOccasionalReport, type Report } from './report.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { createPresenceReader, createUserSearch } from './tencent/account-service.ts';
import { createBlockService } from './tencent/block-service.ts';
import type { TencentClient } from './tencent/client.ts';
import { createFollowService } from './tencent/follow-service.ts';
import { createProfileService } from './tencent/profile-service.ts';

export type DomainDependencies = {
  client: Pick<TencentClient, 'call'>;
  /** `prefix` begins all keys. Null: no other replica is heard of. */
  redis: Redis | null;
  clock: Clock;
  log: Logger;
  report: Report;
  metrics: Metrics | null;
};

/** How long a start waits at most for hearing the other replicas. In milliseconds. */
const HEARING_MS = 1000;
/** How long the end may take to tell other replicas what is invalid, and to confirm what webhooks have told. In milliseconds. */
const SETTLING_MS = 2000;

export function createDomain(config: Config, dependencies: DomainDependencies) {
  const { client, redis, clock, log, report, metrics } = dependencies;
  const reportOddity = createOccasionalReport(report, clock);
  const lagMs = config.writeLagMs;
  const stream = createChangeStream({
    redis,
    key: `${redis?.prefix}:changes`,
    maxLength: config.eventLogLength,
    read: createChangeReader(),
    clock,
  });
  const follow = createFollowService(client, {
    onBehalfOf: config.tencent.adminId,
    embeddedProfile: config.embeddedProfile,
    onOddEntry(oddity) {
      metrics?.oddEntries.inc({ oddity });
      reportOddity(oddity, 'the upstream sent a member of a list that cannot be read', { oddity });
    },
  });
  const blocks = createBlockService(client, config.showBlockedBy);
  const profiles = createProfileService(client, { customFields: config.profileCustomFields, clock, report });
  const cache = createCachedFollowService({
    blocks,
    readPresences: createPresenceReader(client),
    searchUsers: createUserSearch(client),
    onPresence: (userId) => subscriptions.tellPresence(userId),
    follow,
    profiles,
    clock,
    lifetimes: config.lifetimes,
    memoryBytes: config.memoryBytes,
    redis,
    lagMs,
    observer: metrics?.caches,
  });
  const own = createOwnChanges({ stream, clock, lagMs });
  const service = withOwnChanges(cache, own);
  const writes = createWrites({ cache, own, stream, clock });
  const follows = createFollowWriter(follow, writes);
  const subscriptions = createSubscriptions({ stream, clock, maxSubscriptions: config.maxSubscriptions });
  const webhookEvents = createWebhookEvents({
    ...{ follow, cache, own, stream, clock },
    onFlood: (isFlood) =>
      isFlood
        ? log.warn('More webhooks come than an app sends: they are dropped, and fresh times are those without webhooks')
        : log.info('Webhooks are taken again'),
    onBug: (error) => log.error({ err: error }, 'A bug of ours failed a webhook'),
  });

  return {
    /** What is known now: cached, asked for, and overlaid with this gateway's own changes. */
    cache: service,
    /** What viewers can change. */
    writers: {
      follows,
      blocks: createBlockWriter(blocks, follows, config.showBlockedBy, writes),
      profiles: createProfileWriter(profiles, writes),
    },
    subscriptions,
    names: createNames(config.pinyinSearch),
    webhookEvents,
    /** Resolves when this replica hears the others, or cannot. */
    async ready(): Promise<void> {
      await Promise.all([stream.ready(), Promise.race([cache.ready(), clock.sleep(HEARING_MS)])]);
    },
    /** Finishes changes that are under way, and hears no more of others. */
    async close(): Promise<void> {
      // A change goes on when its client is gone.
      await writes.settled();
      await Promise.race([cache.settle().then(webhookEvents.settle), clock.sleep(SETTLING_MS)]);
      destroy();
    },
    destroy,
  };

  /** Stops at once. */
  function destroy(): void {
    subscriptions.close();
    webhookEvents.close();
    cache.close();
  }
}
