import type { GraphQLSchema } from 'graphql';
import type { Config } from '../config.ts';
import type { GraphSettings } from '../context.ts';
import { createPredict } from '../graph/cost.ts';
import { type Costs, createCosts } from '../http/costs.ts';

type CostLimits = Pick<
  Config,
  'maxUpstreamCalls' | 'maxValues' | 'knownFansMaxCalls' | 'embeddedProfile' | 'federation'
>;

/** Makes what refuses operations that would cost more than these settings allow. */
export function createOperationCosts(schema: GraphQLSchema, limits: CostLimits, settings: GraphSettings): Costs {
  const most = { calls: limits.maxUpstreamCalls, values: limits.maxValues };
  const predict = createPredict(schema, most, {
    ...settings,
    knownFansMaxCalls: limits.knownFansMaxCalls,
    embedsProfiles: limits.embeddedProfile === 'whole',
    keys: ['id', limits.federation.key],
  });
  return createCosts({ predict, most });
}
