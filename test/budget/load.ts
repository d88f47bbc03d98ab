// What a fleet of replicas and its upstream are told to do, and what each process answers.
import type { CommandCount } from '../../src/sandbox/calls.ts';
import type { Command } from '../../src/tencent/wire.ts';

export type Load = {
  seconds: number;
  commands: Command[];
  /** Calls per second of each command, from each replica. */
  perSecond: Partial<Record<'interactive' | 'revalidation' | 'priming', number>>;
  deadlineMs: number;
  ratePerSecond: number;
  client: { baseUrl: string; sdkAppId: number; adminId: string; secretKey: string };
};

export type Tally = {
  answered: Partial<Record<'interactive' | 'revalidation' | 'priming', number>>;
  /** By public code. */
  failures: Record<string, number>;
  /** When calls left, in epoch milliseconds. */
  leftAt: Partial<Record<Command, number[]>>;
  /** How long after its deadline a call was refused, at worst, in milliseconds; below 0 when all were in time. */
  refusedLateMs: number;
  /** What refused interactive calls were told. */
  retryAfterMs: number[];
  /** Slots that the replica came too late for. */
  wasted: number;
  /** How long the machine let this process wait, in milliseconds: the longest time, and what 99 of 100 times were below. */
  longestStallMs: number;
  usualStallMs: number;
};

/** What the upstream saw of each command. */
export type Commands = Partial<Record<Command, CommandCount>>;

export type ToReplica = { kind: 'go'; load: Load };
export type FromReplica = { kind: 'ready' } | { kind: 'done'; tally: Tally };
export type ToUpstream = { kind: 'reset' } | { kind: 'count' };
export type FromUpstream =
  | { kind: 'listening'; url: string }
  | { kind: 'counted'; commands: Commands; longestStallMs: number };

/** A small question for each command that the tests ask. */
export const BODIES: Partial<Record<Command, object>> = {
  follow_get: { From_Account: 'UserID_001', FollowType: 1, StartCursor: '', WantNum: 20 },
  follow_get_info: { From_Account: 'UserID_001', To_Account: ['UserID_001'] },
  portrait_get: { To_Account: ['UserID_001'], TagList: ['Tag_Profile_IM_Nick'] },
};
