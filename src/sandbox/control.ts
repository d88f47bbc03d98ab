// The sandbox's own endpoint under /sandbox: read the call log, arm faults, change the world. No call here is counted,
// limited or hit by a fault.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text as readAll } from 'node:stream/consumers';
import { z } from 'zod';
import type { Actions } from './actions.ts';
import type { CallLog } from './calls.ts';
import { FAULTS, type FaultPatch, type FaultSwitches, read } from './faults.ts';
import { send, sendJson } from './http.ts';
import { drawAvatar } from './seed.ts';
import type { Webhooks } from './webhooks.ts';
import type { World } from './world.ts';

export const AVATARS_PATH = '/sandbox/avatars';

type Dependencies = {
  app: { sdkAppId: number; admin: string };
  calls: CallLog;
  faults: FaultSwitches;
  world: World;
  act: Actions;
  webhooks: Webhooks;
};

const ID = z.string().min(1);
const TAGS = z.record(z.string(), z.union([z.string(), z.number()]));
const CHANGE = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('follow'), from: ID, to: ID, at: z.int().optional() }),
  z.strictObject({ op: z.literal('unfollow'), from: ID, to: ID }),
  z.strictObject({ op: z.literal('setProfile'), id: ID, tags: TAGS }),
  z.strictObject({ op: z.literal('import'), id: ID, tags: TAGS.optional() }),
  z.strictObject({ op: z.literal('remove'), id: ID }),
  z.strictObject({ op: z.literal('addFans'), id: ID, count: z.int().min(0).max(1_000_000) }),
]);
const WEBHOOK = z.strictObject({ url: z.string(), token: z.string().optional() });

/** Answers a request whose path begins with /sandbox. */
export function createControl({ app, calls, faults, world, act, webhooks }: Dependencies) {
  function changeWorld(json: unknown): unknown {
    const change = read('A change', CHANGE, json);
    if (change.op === 'follow') return { changed: act.follow(change.from, change.to, change.at) };
    if (change.op === 'unfollow') return { changed: act.unfollow(change.from, change.to) };
    if (change.op === 'setProfile') return { changed: act.setProfile(change.id, change.tags) };
    if (change.op === 'import') return world.importAccount(change.id, change.tags);
    if (change.op === 'remove') return world.removeAccount(change.id);
    return world.addFans(change.id, change.count);
  }

  const routes: { [route: string]: (json: unknown) => unknown } = {
    'GET /sandbox': () => ({
      ...app,
      routes: Object.keys(routes),
      faults: z.toJSONSchema(z.object(FAULTS)).properties,
      changes: z.toJSONSchema(CHANGE).oneOf,
    }),
    'GET /sandbox/calls': () => ({ commands: calls.summary(), recent: calls.recent() }),
    'POST /sandbox/calls/reset': () => calls.reset(),
    'GET /sandbox/faults': () => faults.state(),
    'PUT /sandbox/faults': (json) => {
      // set() checks whatever it is given.
      faults.set(json as FaultPatch);
      return faults.state();
    },
    'DELETE /sandbox/faults': () => faults.reset(),
    'POST /sandbox/world': changeWorld,
    'GET /sandbox/webhook': () => ({ deliveries: webhooks.deliveries() }),
    'PUT /sandbox/webhook': (json) => webhooks.connect(read('A webhook', WEBHOOK, json)),
  };

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const text = await readAll(request);
    const [path = ''] = (request.url ?? '').split('?');
    const route = `${request.method} ${path.replace(/\/$/, '')}`;
    if (route.startsWith(`GET ${AVATARS_PATH}/`)) return send(response, 200, 'image/svg+xml', drawAvatar(path));
    const run = Object.hasOwn(routes, route) ? routes[route] : undefined;
    if (!run) return sendJson(response, 404, { error: `No ${route}; there are ${Object.keys(routes).join(', ')}` });
    try {
      const result = run(text ? JSON.parse(text) : undefined);
      sendJson(response, 200, result === undefined ? { ok: true } : Object(result));
    } catch (error) {
      sendJson(response, 400, { error: error instanceof Error ? error.message : String(error) });
    }
  };
}
