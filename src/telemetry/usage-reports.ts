// The fields of the schema that each client asks for, reported to Hive in batches. Loaded with HIVE_TOKEN alone.
import { createHive } from '@graphql-hive/core';
import type { DocumentNode, GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import packageJson from '../../package.json' with { type: 'json' };
import type { Config } from '../config.ts';
import { createOutageLog } from './log.ts';

/** An operation that is over, or a subscription that is open. */
export type UsedOperation = {
  schema: GraphQLSchema;
  document: DocumentNode;
  operationName: string | null;
  isSubscription: boolean;
  client: { name?: string; version?: string };
  errorCodes: Iterable<string>;
  ms: number;
};

export type UsageReports = ReturnType<typeof createUsageReports>;

/** With this number of reports on their way operations are not reported: Hive is slow, or away. */
const MAX_SENDING = 2;
const MAX_OPERATIONS = 1000;
const TIMEOUT_MS = 5000;

export function createUsageReports({ token, target, endpoint }: NonNullable<Config['hive']>, log: Logger) {
  const tellOutage = createOutageLog(log, 'Hive');
  let sending = 0;
  const hive = createHive({
    token,
    agent: {
      name: packageJson.name,
      version: packageJson.version,
      maxSize: MAX_OPERATIONS,
      timeout: TIMEOUT_MS,
      maxRetries: 1,
      async fetch(url, options) {
        sending++;
        try {
          const response = await fetch(url as string, options as RequestInit);
          tellOutage(response.ok ? null : response.status);
          return response;
        } catch (error) {
          tellOutage('no answer');
          throw error;
        } finally {
          sending--;
        }
      },
    },
    usage: { ...(target && { target }), clientInfo: (client) => client },
    ...(endpoint && { selfHosting: { usageEndpoint: endpoint, graphqlEndpoint: endpoint, applicationUrl: endpoint } }),
    autoDispose: false,
  });

  return {
    report({ schema, document, operationName, isSubscription, client, errorCodes, ms }: UsedOperation): void {
      if (sending >= MAX_SENDING) return;
      const { name, version = '' } = client;
      const args = { schema, document, operationName, contextValue: name && { name, version } };
      if (isSubscription) return void hive.collectSubscriptionUsage({ args });
      const errors = Array.from(errorCodes, (message) => ({ message }));
      hive.collectRequest({ args, result: { errors }, duration: Math.round(ms * 1_000_000) });
    },
    /** Sends what is left. */
    close: () => hive.dispose(),
  };
}
