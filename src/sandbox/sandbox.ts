// A small Tencent Cloud Chat: the upstream's wire over real HTTP, with seeded people and faults on request.
import { createAnnouncements } from './announcements.ts';
import { createCallLog } from './calls.ts';
import { createAdmission } from './checks.ts';
import { createCommandTable } from './commands/command-table.ts';
import type { ListLimits } from './commands/follow-change.ts';
import { createControl } from './control.ts';
import { createExchange } from './exchange.ts';
import { createFaults } from './faults.ts';
import { createHttpServer } from './http.ts';
import { createPeopleActions } from './people-actions.ts';
import { createProfileTags } from './profile-tags.ts';
import { createRates, type RateLimits } from './rates.ts';
import { dormantFans, seedWorld } from './seed.ts';
import { createUserSigVerifier } from './user-sig.ts';
import { createWebhooks, type WebhookTarget } from './webhooks.ts';
import { createWorld } from './world.ts';
import { createWorldChanges } from './world-changes.ts';

/** The app that a sandbox simulates unless told otherwise: made up, safe to publish. */
export const SANDBOX_APP = {
  sdkAppId: 1400000000,
  secretKey: '5a6e1d0c94b7f2836e0d5c4b3a29180716f5e4d3c2b1a09f8e7d6c5b4a392817',
  admin: 'administrator',
};

export type SandboxOptions = Partial<typeof SANDBOX_APP> & {
  /** Judges expiry, rates and lags and stamps follows. Delays and timeouts are always real time. */
  clock?: { now(): number };
  /** Another number, other people. */
  seed?: number;
  /** How many ordinary people the world starts with. */
  people?: number;
  /** Starts with the admin account alone. */
  emptyWorld?: boolean;
  /** Keys of `Tag_Profile_Custom_*` that the app has. */
  customFields?: readonly string[];
  /** Calls per second: one number for every command, or some commands' own. Infinity = no limit. */
  rateLimits?: RateLimits;
  /** How long lists may grow before items fail with 32100 to 32103. */
  listLimits?: Partial<ListLimits>;
  /** Where changes are told; `webhooks.connect` sets it later, when the receiver's port is known. */
  webhook?: WebhookTarget;
};

export function createSandbox(options: SandboxOptions = {}) {
  const app = {
    sdkAppId: options.sdkAppId ?? SANDBOX_APP.sdkAppId,
    secretKey: options.secretKey ?? SANDBOX_APP.secretKey,
    admin: options.admin ?? SANDBOX_APP.admin,
  };
  const population = { seed: options.seed ?? 1, people: options.people ?? 5000 };
  const now = () => (options.clock ?? Date).now();
  const closing = new AbortController();

  const faults = createFaults();
  const calls = createCallLog({ now });
  const webhooks = createWebhooks({ sdkAppId: app.sdkAppId, faults, now, closing: closing.signal });
  webhooks.connect(options.webhook);

  const world = createWorld({
    now,
    lagging: () => faults.isArmed('countsLag') || faults.isArmed('listsLag'),
    dormant: options.emptyWorld ? undefined : dormantFans(population),
  });
  world.importAccount(app.admin);
  if (!options.emptyWorld) seedWorld(world, population);

  const announce = createAnnouncements({ webhooks, serviceOf: (command) => commands[command].service, now });
  const commands = createCommandTable({
    world,
    announce,
    now,
    tags: createProfileTags(options.customFields ?? ['Test', 'Team', 'Mood']),
    limits: { follows: 5000, fans: Number.POSITIVE_INFINITY, mutuals: Number.POSITIVE_INFINITY, ...options.listLimits },
  });
  const admit = createAdmission({
    app,
    now,
    verify: createUserSigVerifier(app),
    rates: createRates({ now }, { limits: options.rateLimits, onAlarm: announce.nearRateLimit }),
  });
  const act = createPeopleActions({ world, announce });
  const exchange = createExchange({ commands, admit, faults, calls, closing: closing.signal });
  const control = createControl({
    app: { sdkAppId: app.sdkAppId, admin: app.admin },
    calls,
    faults,
    webhooks,
    changes: createWorldChanges({ world, act }),
  });
  const server = createHttpServer((request, response) =>
    /^\/sandbox(?=[/?]|$)/.test(request.url ?? '') ? control(request, response) : exchange(request, response),
  );

  return {
    listen: server.listen,

    /** Ends at once: silent and slow answers are cut, webhooks under way are given up. */
    async close(): Promise<void> {
      closing.abort();
      await server.close();
    },

    /** The state itself. Changing it here is silent; `act` also tells the webhook. */
    world,
    /** What people do in their own apps. */
    act,
    faults,
    calls,
    webhooks,
  };
}
