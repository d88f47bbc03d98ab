// A link to Redis that nobody has to wait for: when Redis is away, slow or failing, the answer is "nothing known".
import { createHash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import type { Clock } from '../clock.ts';
import { createSubscription } from './subscription.ts';
import { withinTime } from './within-time.ts';

export type RedisClient = Redis | Cluster;

/** A Lua script; all its keys must lie in one slot, as Redis Cluster wants. */
export type RedisScript = { readonly name: string; readonly lua: string; readonly sha: string };

export type RedisLink = {
  /**
   * Runs commands; undefined when Redis did not answer in time, refused, or is known to be away. Never rejects.
   * `key` is one that they are about: it tells which node of a cluster they go to.
   */
  ask<T>(command: (redis: RedisClient) => Promise<T>, key?: string): Promise<T | undefined>;
  /** The same for a script. An answer that comes too late for anybody goes to `onLate`. */
  run(
    script: RedisScript,
    keys: readonly string[],
    args: readonly (string | number)[],
    timeoutMs?: number,
    onLate?: (answer: unknown) => void,
  ): Promise<unknown>;
  /** Whether all that Redis was asked last was answered. */
  isUp(): boolean;
  /** Calls back each time that Redis, or a node of the cluster, answers again after it had been away. */
  whenBack(callback: () => void): void;
  /**
   * Hands over every message that any replica publishes. `missed` is called whenever messages may have been lost:
   * each time that listening begins.
   */
  subscribe(channel: string, heard: (message: string) => void, missed: () => void): void;
  /** Whether Redis took the message. */
  publish(channel: string, message: string): Promise<boolean>;
  close(): void;
};

export type RedisLinkOptions = {
  redis: RedisClient;
  clock: Clock;
  /** How long an answer may take, in milliseconds, before it counts as none. */
  timeoutMs: number;
  /** The node of a cluster that has `key`; left out where there is one node. */
  nodeOf?: (key: string) => string;
  /** Told once when Redis, or a node of the cluster, goes away, and once when it is back. */
  onChange(up: boolean, reason: string): void;
  /**
   * Told once when Redis is there but begins to refuse something (read only, out of memory, not allowed), and once when
   * it refuses nothing any more.
   */
  onRefusal?: (refuses: boolean, reason: string) => void;
};

/** How often Redis is looked for while it is away, in milliseconds. */
const PROBE_MS = 500;

/** `name` is for readers of logs and for stand-ins. */
export function defineScript(lua: string, name = ''): RedisScript {
  return { name, lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/** Makes the link over a client that has `enableOfflineQueue: false`, so that commands fail at once without Redis. */
export function createRedisLink(options: RedisLinkOptions): RedisLink {
  const { redis, clock, timeoutMs, nodeOf = () => '', onChange, onRefusal = () => {} } = options;
  const closed = new AbortController();
  /** Nodes that did not answer. One that is dead must not keep the others from being asked. */
  const away = new Set<string>();
  const callbacks: (() => void)[] = [];
  /** What was refused when it was asked last. */
  const refused = new Set<string>();
  // Without a listener a lost connection would end the process; what it means is seen by who asks.
  redis.on('error', () => {});

  function lost(node: string, key: string, reason: string) {
    if (away.has(node) || closed.signal.aborted) return;
    away.add(node);
    onChange(false, [node, reason].filter(Boolean).join(': '));
    void lookFor(node, key);
  }

  /** Tries `key`, since a cluster sends that to the very node, or to the one that has taken its place. */
  async function lookFor(node: string, key: string): Promise<void> {
    while (!closed.signal.aborted) {
      await clock.sleep(PROBE_MS, closed.signal).catch(() => {});
      if (!(await answers(key))) continue;
      away.delete(node);
      onChange(true, [node, 'it answers again'].filter(Boolean).join(': '));
      for (const callback of callbacks) callback();
      return;
    }
  }

  async function answers(key: string): Promise<boolean> {
    try {
      await withinTime(clock, timeoutMs, redis.exists(key));
      return true;
    } catch (error) {
      return isRefusal(error);
    }
  }

  async function ask<T>(
    what: string,
    command: (redis: RedisClient) => Promise<T>,
    key = '',
    ms = timeoutMs,
    onLate?: (answer: T) => void,
  ): Promise<T | undefined> {
    const node = nodeOf(key);
    if (away.has(node) || closed.signal.aborted) return undefined;
    try {
      const answer = await withinTime(clock, ms, command(redis), onLate);
      if (refused.delete(what) && refused.size === 0) onRefusal(false, 'it does what it is asked');
      return answer;
    } catch (error) {
      if (isRefusal(error)) noteRefusal(what, error.message);
      else lost(node, key, error instanceof Error ? error.message : 'failure');
      return undefined;
    }
  }

  function noteRefusal(what: string, reason: string) {
    if (refused.size === 0) onRefusal(true, reason);
    refused.add(what);
  }

  return {
    ask: (command, key) => ask('command', command, key),
    run({ lua, sha }, keys, args, ms, onLate) {
      const command = async (client: RedisClient): Promise<unknown> => {
        try {
          return await client.evalsha(sha, keys.length, ...keys, ...args);
        } catch (error) {
          if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
          return client.eval(lua, keys.length, ...keys, ...args);
        }
      };
      return ask(sha, command, keys[0], ms, onLate);
    },
    isUp: () => away.size === 0,
    whenBack: (callback) => void callbacks.push(callback),
    subscribe(channel, heard, missed) {
      const subscription = createSubscription({ redis, clock, timeoutMs, channel, heard, missed });
      closed.signal.addEventListener('abort', subscription.close);
    },
    publish: async (channel, message) =>
      (await ask('publish', (client) => client.publish(channel, message), channel)) !== undefined,
    close() {
      closed.abort();
      redis.disconnect();
    },
  };
}

/** A refusal is an answer: Redis is there, it just does not do this; unless it says that it is not the one, or not yet. */
function isRefusal(error: unknown): error is Error {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return false;
  return !/^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|LOADING) /.test(error.message);
}
