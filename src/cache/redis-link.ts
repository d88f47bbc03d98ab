// A link to Redis that nobody has to wait for: when Redis is away, slow or failing, the answer is "nothing known".
import { createHash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import type { Clock } from '../clock.ts';

export type RedisClient = Redis | Cluster;

/** A Lua script; all its keys must lie in one slot, as Redis Cluster wants. */
export type RedisScript = { readonly lua: string; readonly sha: string };

export type RedisLink = {
  /** Runs commands; undefined when Redis did not answer in time, refused, or is known to be away. Never rejects. */
  ask<T>(command: (redis: RedisClient) => Promise<T>, timeoutMs?: number): Promise<T | undefined>;
  /** The same for a script. */
  run(
    script: RedisScript,
    keys: readonly string[],
    args: readonly (string | number)[],
    timeoutMs?: number,
  ): Promise<unknown>;
  /** Whether the last thing that Redis was asked was answered. */
  isUp(): boolean;
  /**
   * Hands over every message that any replica publishes. `missed` is called whenever messages may have been lost:
   * each time the subscription is made anew.
   */
  subscribe(channel: string, heard: (message: string) => void, missed: () => void): void;
  publish(channel: string, message: string): void;
  close(): void;
};

export type RedisLinkOptions = {
  redis: RedisClient;
  clock: Clock;
  /** How long an answer may take, in milliseconds, before it counts as none. */
  timeoutMs: number;
  /** Told once when Redis goes away and once when it is back. */
  onChange(up: boolean, reason: string): void;
};

/** How often Redis is looked for while it is away, in milliseconds. */
const PROBE_MS = 500;
/** In a cluster one dead master must not hide the others: only so many failures in a row mean that all are away. */
const CLUSTER_FAILURES = 4;

export function defineScript(lua: string): RedisScript {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/** Makes the link over a client that has `enableOfflineQueue: false`, so that commands fail at once without Redis. */
export function createRedisLink({ redis, clock, timeoutMs, onChange }: RedisLinkOptions): RedisLink {
  const failuresAllowed = redis.isCluster ? CLUSTER_FAILURES : 1;
  const closed = new AbortController();
  let failures = 0;
  let subscriber: RedisClient | undefined;
  // Without a listener a lost connection would end the process; what it means is seen by who asks.
  redis.on('error', () => {});

  const isUp = () => failures < failuresAllowed;

  function failed(reason: string) {
    failures++;
    if (failures !== failuresAllowed) return;
    onChange(false, reason);
    void lookForRedis();
  }

  async function lookForRedis(): Promise<void> {
    while (!closed.signal.aborted) {
      await clock.sleep(PROBE_MS, closed.signal).catch(() => {});
      const answer = await withinTime(redis.ping(), timeoutMs).catch(() => undefined);
      if (answer !== 'PONG') continue;
      failures = 0;
      onChange(true, 'it answers again');
      return;
    }
  }

  async function withinTime<T>(answer: Promise<T>, ms: number): Promise<T> {
    const timer = new AbortController();
    const late = clock.sleep(ms, timer.signal).then(() => Promise.reject(new Error(`no answer in ${ms} ms`)));
    try {
      return await Promise.race([answer, late]);
    } finally {
      answer.catch(() => {});
      late.catch(() => {});
      timer.abort();
    }
  }

  async function ask<T>(command: (redis: RedisClient) => Promise<T>, ms = timeoutMs): Promise<T | undefined> {
    if (!isUp()) return undefined;
    try {
      const answer = await withinTime(command(redis), ms);
      if (isUp()) failures = 0;
      return answer;
    } catch (error) {
      // A refusal is an answer: Redis is there, it just does not do this (out of memory, wrong type, read only).
      if (!(error instanceof Error) || error.name !== 'ReplyError')
        failed(error instanceof Error ? error.message : 'failure');
      return undefined;
    }
  }

  return {
    ask,
    isUp,
    run({ lua, sha }, keys, args, ms) {
      return ask(async (client) => {
        try {
          return await client.evalsha(sha, keys.length, ...keys, ...args);
        } catch (error) {
          if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
          return client.eval(lua, keys.length, ...keys, ...args);
        }
      }, ms);
    },
    subscribe(channel, heard, missed) {
      // Both clients have it, with parameters that nobody gives here.
      const listening: RedisClient = (redis as Redis).duplicate();
      subscriber = listening;
      listening.on('error', () => {});
      listening.on('message', (_channel: string, message: string) => heard(message));
      // ioredis subscribes again by itself after a lost connection, and says "ready" each time.
      listening.on('ready', () => {
        void listening.subscribe(channel).catch(() => {});
        missed();
      });
    },
    publish(channel, message) {
      void ask((client) => client.publish(channel, message));
    },
    close() {
      closed.abort();
      redis.disconnect();
      subscriber?.disconnect();
    },
  };
}
