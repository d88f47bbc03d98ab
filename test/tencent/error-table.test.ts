import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';
import { ERROR_TABLE } from '../../src/tencent/error-table.ts';
import { fail, startClient } from './scripted-upstream.ts';

// Written down once more on purpose: [codes, public code, tries of a read, tries of a follow].
const PROMISES: [codes: number[], publicCode: ErrorCode, readTries: number, writeTries: number][] = [
  [[30003, 40003, 70107], 'USER_NOT_FOUND', 1, 1],
  [[30005], 'FEATURE_NOT_ENABLED', 1, 1],
  [[32100, 32101, 32102, 32103, 38000, 38500, 39000], 'FORBIDDEN', 1, 1],
  [[30013, 40005], 'FORBIDDEN', 1, 1],
  [[40601, 40605, 40610], 'BAD_USER_INPUT', 1, 1],
  [[72001], 'FEATURE_NOT_ENABLED', 1, 1],
  [[90001, 90003, 90011], 'UPSTREAM_UNAVAILABLE', 1, 1],
  [[90992, 90994, 90995, 91000], 'UPSTREAM_UNAVAILABLE', 3, 1],
  [[40008, 90009], 'UPSTREAM_MISCONFIGURED', 1, 1],
  [[60007, 60011, 60018, 60019], 'THROTTLED', 3, 3],
  [[60028, 70114], 'THROTTLED', 1, 1],
  // What may have been done is not done again by itself (CONTRACT U27).
  [[30007, 60008, 60014, 70169, 70202], 'UPSTREAM_TIMEOUT', 3, 1],
  [[30006, 40006, 60022, 70500], 'UPSTREAM_UNAVAILABLE', 3, 1],
  [[30008], 'UPSTREAM_UNAVAILABLE', 3, 3],
  [[60013], 'UPSTREAM_UNAVAILABLE', 2, 1],
  [[30001, 40001, 40002, 60002, 60003, 60009, 60012, 60015, 70206, 70402], 'UPSTREAM_UNAVAILABLE', 1, 1],
  [[30002, 30004, 40004, 40007, 40009, 60006, 60010, 60016, 60017], 'UPSTREAM_MISCONFIGURED', 1, 1],
  [[60020, 60021, 60025, 60026, 60027, 70002, 70003, 70005, 70009, 70013], 'UPSTREAM_MISCONFIGURED', 1, 1],
  [[70014, 70016, 70020, 70050, 70051, 70398, 70403, 72000, 72002], 'UPSTREAM_MISCONFIGURED', 1, 1],
  [[60004, 60005, 70001], 'UPSTREAM_MISCONFIGURED', 2, 2],
  // Unknown to the contract: read once more, never written again.
  [[1, 30000, 39001, 99999, -1], 'UPSTREAM_UNAVAILABLE', 2, 1],
];
const cases = PROMISES.flatMap(([codes, ...rest]) => codes.map((code) => [code, ...rest] as const));

describe('every error code of the upstream', () => {
  it.each(cases)(
    '%i becomes %s after %i tries of a read and %i of a follow',
    async (code, publicCode, reads, writes) => {
      const { askInVain, upstreamCalls, requests } = await startClient(() => fail(code, 'no'));
      const failed = { code: publicCode, upstream: { command: 'follow_get', errorCode: code } };
      const failure = await askInVain();
      expect(failure).toMatchObject(failed);
      // Whoever asks too much is told when to come back, where that is known.
      const when = { 60028: { retryable: true, retryAfterMs: 3_600_000 }, 70114: { retryable: false } };
      if (publicCode === 'THROTTLED')
        expect(failure).toMatchObject({ upstream: when[code as 60028] ?? { retryable: true, retryAfterMs: 1000 } });
      expect([requests.length, upstreamCalls.length]).toEqual([reads, reads]);

      const other = await startClient(() => fail(code, 'no'));
      expect(await other.askInVain('follow_add')).toMatchObject({ code: publicCode });
      expect(other.requests).toHaveLength(writes);
    },
  );

  it('of the table is promised here', () => {
    const promised = new Set(cases.map(([code]) => code));
    expect([...ERROR_TABLE.keys()].filter((code) => !promised.has(code))).toEqual([]);
  });
});
