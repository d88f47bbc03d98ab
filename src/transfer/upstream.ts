// The upstream for what may take hours: behind all that clients ask, by the budget that the gateways on REDIS_URL share.
import { systemClock as clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { CommandFailure, type GatewayError } from '../errors.ts';
import type { CallOptions } from '../follow/services.ts';
import { openRedis } from '../redis/connect.ts';
import { createBudget } from '../tencent/budget/budget.ts';
import { createTencentClient } from '../tencent/client.ts';
import { diagnoseFailure } from '../tencent/diagnose.ts';
import { createFollowService } from '../tencent/follow-service.ts';
import { isAboutRequest } from '../tencent/upstream-errors.ts';

const DEADLINE_MS = 10_000;
const FIRST_PAUSE_MS = 1000;
/** The call has waited in the budget's queue already. */
const BUDGET_PAUSE_MS = 50;
/** The last pause is of half a minute, so that a restart of the upstream is waited for. */
const MAX_PAUSES = 6;

export async function connectUpstream(config: Config) {
  const { tencent, upstreamRate: ratePerSecond } = config;
  const redis = await openRedis(config, clock, () => {});
  const budget = createBudget({ link: null, prefix: '', ...redis, ratePerSecond, clock });
  const client = createTencentClient({ ...tencent, clock, budget });
  return {
    client,
    follows: createFollowService(client, { onBehalfOf: tencent.adminId }),
    async close(): Promise<void> {
      await client.close();
      redis?.link.close();
    },
  };
}

/** The options of a call that goes behind all that clients ask. */
export const inBackground = (): CallOptions => ({
  signal: new AbortController().signal,
  deadlineAt: clock.now() + DEADLINE_MS,
  priority: 'priming',
});

/** Creates what is waited for after a failure: resolves with false when another try makes no sense. */
export function createPauses() {
  let pauses = 0;
  return async ({ code, upstream, mayHaveHappened }: GatewayError): Promise<boolean> => {
    // Clients may leave nothing of the budget for hours.
    const isThrottled = code === 'THROTTLED' && upstream?.retryable;
    if (!isThrottled && (!(upstream?.retryable || mayHaveHappened) || pauses === MAX_PAUSES)) return false;
    const pauseMs = isThrottled ? BUDGET_PAUSE_MS : FIRST_PAUSE_MS * 2 ** pauses++;
    await clock.sleep(Math.max(pauseMs, (upstream?.errorCode && upstream.retryAfterMs) || 0));
    return true;
  };
}

export function failureOf(error: GatewayError): CommandFailure {
  const { explanation, remedy } = diagnoseFailure(error);
  // Remedies are for what is wrong with the settings.
  const advice = isAboutRequest(error) ? '' : ` That is, ${explanation}. ${remedy}`;
  return new CommandFailure(`${error.message}${advice}`);
}
