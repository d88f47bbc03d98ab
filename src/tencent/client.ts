// The REST client: connections, the admin's signature, and the rules of when to try again.
import type { Clock } from '../clock.ts';
import type { CallOptions } from '../follow/services.ts';
import type { BreakerState } from './breaker.ts';
import { createExchanges } from './exchange.ts';
import type { Report } from './report.ts';
import { type CallBudget, type CallObserver, createRetry } from './retry.ts';
import { createSignature } from './signature.ts';
import type { Command } from './wire.ts';

export type { Report } from './report.ts';
export type { CallObserver } from './retry.ts';

/** Calls the upstream's commands. */
export type TencentClient = {
  /**
   * Makes one call and answers with the parsed envelope of a success (CONTRACT 1.4); rejects with `GatewayError`s.
   * Tries again where the error table allows it, within the deadline.
   */
  call(command: Command, body: object, call: CallOptions): Promise<Record<string, unknown>>;
  /** Waits for the calls that are under way, then closes the connections. */
  close(): Promise<void>;
  /** The circuit breaker of every command that was ever called. */
  breakerStates(): Partial<Record<Command, BreakerState>>;
};

export type TencentClientOptions = {
  /** See `regionBaseUrl`; a path in it goes before `/v4`. */
  baseUrl: string;
  sdkAppId: number;
  /** An app admin's account: the upstream knows no other caller (CONTRACT 1.1). */
  adminId: string;
  secretKey: string;
  clock: Clock;
  /** One HTTP try, connecting included. The upstream's own timeout is 3 s, so stay above (CONTRACT 1.5). */
  timeoutMs?: number;
  connectTimeoutMs?: number;
  /** At most so many connections, each with one call at a time. */
  connections?: number;
  /** At least 0, below 1. */
  random?: () => number;
  /** Without one nothing is paced. */
  budget?: CallBudget;
  onCall?: CallObserver;
  report?: Report;
};

/** Creates the client. Nothing connects before the first call. */
export function createTencentClient(options: TencentClientOptions): TencentClient {
  const { timeoutMs = 5000, connectTimeoutMs = 1000, connections = 64, random = Math.random } = options;
  const { report = () => {}, onCall = () => {} } = options;
  const exchanges = createExchanges(options.baseUrl, { connectTimeoutMs, connections });
  const signature = createSignature(options);
  const { send } = exchanges;
  const retry = createRetry({ ...options, send, connections, signature, timeoutMs, random, report, onCall });
  let closed: Promise<void> | undefined;
  return {
    ...retry,
    close() {
      closed ??= exchanges.close();
      return closed;
    },
  };
}
