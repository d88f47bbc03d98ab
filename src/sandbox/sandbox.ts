// A small Tencent Cloud Chat: the upstream's wire over real HTTP, with seeded people and faults on request.
import { createActions } from './actions.ts';
import { createCallLog, createRates, type RateLimits } from './calls.ts';
import { createAdmission } from './checks.ts';
import { createAccountCommands } from './commands/accounts.ts';
import { createBlockCommands } from './commands/black-list.ts';
import { createFollowBatches, createFollowGet } from './commands/follow.ts';
import { createProfileCommands } from './commands/profiles.ts';
import { AVATARS_PATH, createControl } from './control.ts';
import { createFaults } from './faults.ts';
import { createHttpServer } from './http.ts';
import { createLively } from './lively.ts';
import { moveAvatars, seedWorld } from './seed.ts';
import { createWebhooks } from './webhooks.ts';
import { createWireHandler } from './wire-handler.ts';
import { createWorld } from './world.ts';

/** The app that a sandbox simulates by default: made up, safe to publish. */
export const SANDBOX_APP = {
  sdkAppId: 1400000000,
  secretKey: '5a6e1d0c94b7f2836e0d5c4b3a29180716f5e4d3c2b1a09f8e7d6c5b4a392817',
  admin: 'administrator',
};

export type SandboxOptions = Partial<Pick<typeof SANDBOX_APP, 'sdkAppId' | 'secretKey'>> & {
  /** Judges expiry, rates and lags and stamps follows. Delays and timeouts are always real time. */
  clock?: { now(): number };
  /** How many ordinary people the world starts with, beside famous ones; without a number it has the admin alone. */
  people?: number;
  /** Calls per second: one number for every command, or some commands' own. Infinity = no limit. */
  rateLimits?: RateLimits;
};

export function createSandbox(options: SandboxOptions = {}) {
  const { sdkAppId = SANDBOX_APP.sdkAppId, secretKey = SANDBOX_APP.secretKey } = options;
  const { admin } = SANDBOX_APP;
  const now = () => (options.clock ?? Date).now();
  const closing = new AbortController();

  const faults = createFaults();
  const calls = createCallLog({ now });
  const webhooks = createWebhooks({ sdkAppId, now, closing: closing.signal });

  const lagging = () => faults.isArmed('countsLag') || faults.isArmed('listsLag');
  const world = createWorld({ now, lagging });
  world.importAccount(admin);
  if (options.people !== undefined) seedWorld(world, options.people);

  const act = createActions(world, webhooks.send, now);
  const parts = { world, act, now };
  const handlers = {
    follow_get: createFollowGet(parts),
    ...createFollowBatches(parts),
    ...createProfileCommands(parts),
    ...createBlockCommands(parts),
    ...createAccountCommands(parts),
  };
  const hasRoom = createRates(now, options.rateLimits);
  const admit = createAdmission({ app: { sdkAppId, admin, secretKey }, now, hasRoom });

  let url = '';
  const finish = (json: string) => moveAvatars(json, url + AVATARS_PATH);
  const handleCall = createWireHandler({ handlers, admit, faults, calls, finish, closing: closing.signal });
  const handleControl = createControl({ app: { sdkAppId, admin }, calls, faults, world, act, webhooks });
  const server = createHttpServer((request, response) =>
    /^\/sandbox(?=[/?]|$)/.test(request.url ?? '') ? handleControl(request, response) : handleCall(request, response),
  );

  return {
    /** Answers the address, and the settings that lead a gateway here; port 0 takes a free one. */
    async listen(port = 0) {
      url = await server.listen(port);
      const settings = {
        TENCENT_SDK_APP_ID: String(sdkAppId),
        TENCENT_SECRET_KEY: secretKey,
        TENCENT_ADMIN: admin,
        TENCENT_BASE_URL: url,
      };
      return { url, settings };
    },

    /** Ends at once: silent and slow answers are cut, webhooks under way are given up. */
    async close(): Promise<void> {
      closing.abort();
      await server.close();
    },

    /** The state itself. Changing it here is silent; `act` also sends the webhook. */
    world,
    /** What people do in their own apps. */
    act,
    faults,
    calls,
    webhooks,
  };
}

/** Starts a sandbox as a process runs it. */
export async function startSandbox(port: number) {
  const sandbox = createSandbox({ people: 5000 });
  return { ...sandbox, ...(await sandbox.listen(port)), lively: createLively(sandbox) };
}
