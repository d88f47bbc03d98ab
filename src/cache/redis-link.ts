// A link to Redis that no query has to wait for: when Redis is away, slow or failing, the answer is "nothing known".
import { hash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { type Clock, NoAnswer, withinTime } from '../clock.ts';
import { inSpan, type Span, sharedSpan } from '../span.ts';

export type RedisClient = Redis | Cluster;

export type RedisLink = ReturnType<typeof createRedisLink>;

type UseConnection = (connection: Redis, ended: AbortSignal) => Promise<never>;
type ConnectionOptions = { key?: string; blockingTimeout?: number };

/** A command, and the work of which it is part. */
export type Traced = { command: string; spans?: readonly Span[] | undefined };

export type RedisLinkOptions = {
  /** A client with `enableOfflineQueue: false`, so that commands fail at once without Redis. */
  redis: RedisClient;
  clock: Clock;
  /** How long an answer may take, in milliseconds, before it counts as none. */
  timeoutMs: number;
  /** The host of Redis, for traces. */
  address?: string | undefined;
  /** The node of a cluster that has `key`; left out where there is one node. */
  nodeOf?: (key: string) => string;
  /** Told once when Redis, or a node of the cluster, goes away, and once when it is back. */
  onChange(up: boolean, reason: string): void;
};

/** How often Redis is looked for while it is away, and a new connection is tried for what is published. */
const RETRY_MS = 500;
/** A connection takes longer to make than an answer to come. */
const CONNECT_MS = 2000;
/** How often a silent connection is asked whether it still is one. */
const HEARTBEAT_MS = 5000;

/** A key in the slot of `key`, which the part in braces tells, or all of it. */
const probeOf = (key: string) => (key.includes('{') ? `${key}::probe` : `follow-gateway:{${key}}::probe`);

export function createRedisLink(options: RedisLinkOptions) {
  const { redis, clock, timeoutMs, address = '', nodeOf = () => '', onChange } = options;
  const closed = new AbortController();
  /** Nodes that did not answer. One that is dead must not keep the others from being asked. */
  const away = new Set<string>();
  /** Those of `keepConnected`. */
  const connections = new Set<Redis>();
  const callbacks = [renew];
  // Without a listener a lost connection would end the process; the error shows in the commands that fail.
  redis.on('error', () => {});

  const pause = () => clock.sleep(RETRY_MS, closed.signal).catch(() => {});
  const change = (isUp: boolean, node: string, reason: string) =>
    onChange(isUp, [node, reason].filter(Boolean).join(': '));

  /** Carries on without a node until it takes a write again, or another has taken its place. */
  async function leave(node: string, key: string, reason: string): Promise<void> {
    if (away.has(node) || closed.signal.aborted) return;
    away.add(node);
    change(false, node, reason);
    // Async, since a cluster's client throws at once where no node has the key.
    const probe = async () => {
      // No answer tells that one has it again.
      if ('refreshSlotsCache' in redis) redis.refreshSlotsCache();
      return withinTime(clock, timeoutMs, redis.set(probeOf(key), '', 'PX', 1));
    };
    do await pause();
    while (!closed.signal.aborted && !(await probe().catch(() => false)));
    if (closed.signal.aborted) return;
    away.delete(node);
    change(true, node, 'it answers again');
    for (const callback of callbacks) callback();
  }

  /**
   * Runs commands; undefined when Redis did not answer in time, refused, or is known to be away. Never rejects.
   * `key` is one that they are about: it tells which node of a cluster they go to. `traced` names them in the traces of
   * those who wait.
   */
  async function ask<T>(
    command: (redis: RedisClient) => Promise<T>,
    key = '',
    traced?: Traced,
    ms = timeoutMs,
  ): Promise<T | undefined> {
    const node = nodeOf(key);
    if (away.has(node) || closed.signal.aborted) return undefined;
    try {
      const answer = withinTime(clock, ms, command(redis));
      return await (traced ? inSpan(commandSpan(traced, node || address), () => answer) : answer);
    } catch (error) {
      // A caller that waits for less than is usual learns nothing of whether Redis is there.
      const saysNothing = error instanceof NoAnswer ? ms < timeoutMs : isAboutCommand(error as Error);
      if (!saysNothing) void leave(node, key, (error as Error).message);
      return undefined;
    }
  }

  /** Ends these connections, for which others are made at once. */
  function renew(): void {
    for (const connection of connections) {
      connections.delete(connection);
      connection.disconnect();
    }
  }

  /**
   * Has a connection of its own used, then another: after a failure, and when Redis is back, which may be another server.
   * On a cluster it leads to the node of `key`, or to any.
   */
  async function keepConnected(use: UseConnection, { key = '', ...more }: ConnectionOptions = {}): Promise<void> {
    // Its user waits for long, and minds by itself whether it still is a connection.
    const patient = { enableAutoPipelining: false, socketTimeout: undefined };
    const own = { lazyConnect: true, retryStrategy: () => null, ...patient, ...more };
    while (!closed.signal.aborted) {
      const ended = new AbortController();
      let connection: Redis | undefined;
      try {
        connection = nodeFor(redis, nodeOf(key)).duplicate(own);
        connections.add(connection.on('error', () => {}).on('end', () => ended.abort()));
        await withinTime(clock, CONNECT_MS, connection.connect());
        await use(connection, ended.signal);
      } catch {
        // The reason shows in the commands that fail; here it only matters that the next connection is made.
        connection?.disconnect();
        if (!connection || connections.delete(connection)) await pause();
      }
    }
  }

  return {
    ask,
    /** The same for a Lua script; all its keys must lie in one slot, as Redis Cluster wants. */
    run: (lua: string, keys: readonly string[], args: readonly (string | number)[], ms?: number): Promise<unknown> =>
      ask((client) => runScript(client, lua, [keys.length, ...keys, ...args]), keys[0], undefined, ms),
    /** Whether Redis answered all that it was asked last. */
    isUp: (): boolean => away.size === 0,
    /** Calls back each time that Redis, or a node of the cluster, does again what it is asked. */
    whenBack(callback: () => void): void {
      callbacks.push(callback);
    },
    /**
     * Hands over every message that any replica publishes. `missed` is called whenever messages may have been lost:
     * each time that listening begins.
     */
    subscribe: (channel: string, heard: (message: string) => void, missed: () => void): Promise<void> =>
      keepConnected(async (connection, ended) => {
        connection.on('message', (_channel, message) => heard(message));
        // A message that is published on one node of a cluster is heard on all.
        await withinTime(clock, CONNECT_MS, connection.subscribe(channel));
        missed();
        for (;;) {
          await clock.sleep(HEARTBEAT_MS, ended);
          await withinTime(clock, timeoutMs, connection.ping());
        }
      }),
    keepConnected,
    /**
     * Whether Redis took the message. A cluster's client would send it to any node, in the pipeline of that of the channel:
     * a hung one would have the other taken for hung.
     */
    publish: async (channel: string, message: string): Promise<boolean> =>
      (await ask(() => nodeFor(redis, nodeOf(channel)).publish(channel, message), channel)) !== undefined,
    close(): void {
      closed.abort();
      renew();
      redis.disconnect();
    },
  };
}

/**
 * By its hash, where Redis knows it by that. A cluster has the text each time: its client loses the answers of a pipeline
 * in which that is not so.
 */
async function runScript(client: RedisClient, lua: string, args: [number, ...(string | number)[]]): Promise<unknown> {
  if ('nodes' in client) return client.eval(lua, ...args);
  const unknown = (error: Error) =>
    error.message.startsWith('NOSCRIPT') ? client.eval(lua, ...args) : Promise.reject(error);
  return client.evalsha(hash('sha1', lua), ...args).catch(unknown);
}

const commandSpan = ({ command, spans }: Traced, server: string) =>
  sharedSpan(spans, command, { 'db.system.name': 'redis', 'db.operation.name': command, 'server.address': server });

/** Whether Redis refused what it was asked for that command's sake, as one for keys of another type, and works otherwise. */
const isAboutCommand = ({ name, message }: Error) =>
  name === 'ReplyError' && /^(ERR|WRONGTYPE|CROSSSLOT) /.test(message);

/** The node of a cluster with this name, or any. */
function nodeFor(redis: RedisClient, name: string): Redis {
  if (!('nodes' in redis)) return redis;
  const nodes = redis.nodes('all').filter(({ status }) => status === 'ready' || status === 'wait');
  const named = nodes.find(({ options }) => `${options.host}:${options.port}` === name);
  const node = named ?? nodes[Math.floor(Math.random() * nodes.length)];
  if (!node) throw new Error('no node of the cluster is known');
  return node;
}
