// A link to Redis that no query has to wait for: when Redis is away, slow or failing, the answer is "nothing known".
import { createHash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { type Clock, NOT_NEEDED } from '../clock.ts';
import { subscribe } from './subscription.ts';

export type RedisClient = Redis | Cluster;

/** A Lua script; all its keys must lie in one slot, as Redis Cluster wants. */
export type RedisScript = { readonly lua: string; readonly sha: string };

export type RedisLink = {
  /**
   * Runs commands; undefined when Redis did not answer in time, refused, or is known to be away. Never rejects.
   * `key` is one that they are about: it tells which node of a cluster they go to.
   */
  ask<T>(command: (redis: RedisClient) => Promise<T>, key?: string): Promise<T | undefined>;
  /** The same for a script. */
  run(script: RedisScript, keys: readonly string[], args: readonly (string | number)[], ms?: number): Promise<unknown>;
  /** Whether Redis answered all that it was asked last. */
  isUp(): boolean;
  /** Calls back each time that Redis, or a node of the cluster, does again what it is asked. */
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
  /** A client with `enableOfflineQueue: false`, so that commands fail at once without Redis. */
  redis: RedisClient;
  clock: Clock;
  /** How long an answer may take, in milliseconds, before it counts as none. */
  timeoutMs: number;
  /** The node of a cluster that has `key`; left out where there is one node. */
  nodeOf?: (key: string) => string;
  /** Told once when Redis, or a node of the cluster, goes away, and once when it is back. */
  onChange(up: boolean, reason: string): void;
  /** Told once when Redis is there but begins to refuse something, and once when it refuses nothing any more. */
  onRefusal?: (refuses: boolean, reason: string) => void;
};

/** How often Redis is looked for while it is away, in milliseconds. */
const PROBE_MS = 500;

export const defineScript = (lua: string): RedisScript => ({ lua, sha: createHash('sha1').update(lua).digest('hex') });

export function createRedisLink(options: RedisLinkOptions): RedisLink {
  const { redis, clock, timeoutMs, nodeOf = () => '', onChange, onRefusal = () => {} } = options;
  const closed = new AbortController();
  /** Nodes that did not answer. One that is dead must not keep the others from being asked. */
  const away = new Set<string>();
  const callbacks: (() => void)[] = [];
  /** What was refused when it was asked last. */
  const refused = new Set<string>();
  // Without a listener a lost connection would end the process; what it means shows in the commands that fail.
  redis.on('error', () => {});

  /** Tries a write, which a master that was demoted refuses, until the node answers or another has taken its place. */
  async function lookFor(node: string, key: string): Promise<void> {
    const probe = () => withinTime(clock, timeoutMs, redis.unlink(`${key}::probe`));
    while (!closed.signal.aborted) {
      await clock.sleep(PROBE_MS, closed.signal).catch(() => {});
      if (!(await probe().then(() => true, isRefusal))) continue;
      away.delete(node);
      onChange(true, [node, 'it answers again'].filter(Boolean).join(': '));
      return callBack();
    }
  }

  function callBack(): void {
    for (const callback of callbacks) callback();
  }

  function noteFailure(error: unknown, key: string, name: string): void {
    const reason = error instanceof Error ? error.message : 'failure';
    const node = nodeOf(key);
    if (isRefusal(error)) {
      if (refused.size === 0) onRefusal(true, reason);
      refused.add(name);
    } else if (!away.has(node) && !closed.signal.aborted) {
      away.add(node);
      onChange(false, [node, reason].filter(Boolean).join(': '));
      void lookFor(node, key);
    }
  }

  /** `name` tells what is refused. */
  async function ask<T>(name: string, command: (redis: RedisClient) => Promise<T>, key = '', ms = timeoutMs) {
    if (away.has(nodeOf(key)) || closed.signal.aborted) return undefined;
    try {
      const answer = await withinTime(clock, ms, command(redis));
      if (refused.delete(name) && refused.size === 0) {
        onRefusal(false, 'it does what it is asked');
        callBack();
      }
      return answer;
    } catch (error) {
      // A caller that waits for less than is usual learns nothing of whether Redis is there.
      if (ms >= timeoutMs || !(error instanceof NoAnswer)) noteFailure(error, key, name);
      return undefined;
    }
  }

  return {
    ask: (command, key) => ask('command', command, key),
    run({ lua, sha }, keys, args, ms) {
      const command = async (client: RedisClient): Promise<unknown> => {
        try {
          return await client.evalsha(sha, keys.length, ...keys, ...args);
        } catch (error) {
          if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
          return client.eval(lua, keys.length, ...keys, ...args);
        }
      };
      return ask(sha, command, keys[0], ms);
    },
    isUp: () => away.size === 0,
    whenBack: (callback) => void callbacks.push(callback),
    subscribe: (channel, heard, missed) =>
      subscribe({ redis, clock, timeoutMs, channel, heard, missed, signal: closed.signal }),
    publish: async (channel, message) =>
      (await ask('publish', (client) => client.publish(channel, message), channel)) !== undefined,
    close() {
      closed.abort();
      redis.disconnect();
    },
  };
}

/** A refusal is an answer: Redis is there, it just does not do this; unless it says that it is not the one, or not yet. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return false;
  return !/^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|LOADING|READONLY) /.test(error.message);
}

class NoAnswer extends Error {}

/** `answer`, or a rejection when it is not there after `ms`. */
export async function withinTime<T>(clock: Clock, ms: number, answer: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = clock.sleep(ms, timer.signal).then(async () => {
    // A process that was too busy to wake in time may have the answer before it.
    await new Promise((resolve) => setImmediate(resolve));
    throw new NoAnswer(`no answer in ${ms} ms`);
  });
  late.catch(() => {});
  return Promise.race([answer, late]).finally(() => timer.abort(NOT_NEEDED));
}
