// The sandbox's own endpoint under /sandbox: look at the bill, arm faults, change the world. No call here is ever
// counted, limited or disturbed by a fault.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isBody } from './body.ts';
import type { CallLog } from './calls.ts';
import { FAULT_TABLE } from './fault-table.ts';
import type { FaultPatch, FaultSwitches } from './faults.ts';
import { readText, sendJson } from './http.ts';
import { RATE_LIMITS } from './rates.ts';
import type { Webhooks } from './webhooks.ts';
import type { WorldChanges } from './world-changes.ts';

const COMMANDS = Object.keys(RATE_LIMITS).length;

type Dependencies = {
  app: { sdkAppId: number; admin: string };
  calls: CallLog;
  faults: FaultSwitches;
  changes: WorldChanges;
  webhooks: Webhooks;
};

export function createControl({ app, calls, faults, changes, webhooks }: Dependencies) {
  const routes: { [route: string]: (json: unknown) => unknown } = {
    'GET /sandbox': () => overview,
    'GET /sandbox/calls': () => ({ commands: calls.summary(), recent: calls.recent() }),
    'POST /sandbox/calls/reset': () => calls.reset(),
    'GET /sandbox/faults': () => faults.state(),
    'PUT /sandbox/faults': (json) => {
      // set() checks whatever it is given.
      faults.set(json as FaultPatch);
      return faults.state();
    },
    'DELETE /sandbox/faults': () => faults.reset(),
    'POST /sandbox/world': (json) => changes.apply(json),
    'GET /sandbox/webhook': () => ({ deliveries: webhooks.deliveries() }),
    'PUT /sandbox/webhook': (json) => {
      if (!isBody(json) || typeof json.url !== 'string') throw new Error('A webhook needs url: text');
      const { url, token } = json;
      if (token !== undefined && typeof token !== 'string') throw new Error('The token of a webhook must be text');
      webhooks.connect({ url, token });
    },
    'DELETE /sandbox/webhook': () => webhooks.connect(undefined),
  };

  const overview = {
    about: 'A small Tencent Cloud Chat for development: POST /v4/{service}/{command}',
    ...app,
    routes: Object.keys(routes),
    faults: Object.fromEntries(
      Object.entries(FAULT_TABLE).map(([name, { on, ...entry }]) => [
        name,
        { on: on.length === COMMANDS ? 'every command' : on, ...entry },
      ]),
    ),
    scopes: { commands: 'only these', every: 'each n-th call', times: 'the first n hits' },
    world: changes.operations,
    examples: {
      'PUT /sandbox/faults': { shortPages: { keep: 3 }, error: { code: 60007, times: 5 } },
      'POST /sandbox/world': { op: 'follow', from: 'user_00001', to: 'UserID_001' },
    },
  };

  /** Answers a request whose path begins with /sandbox. */
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const text = await readText(request);
    const [path = ''] = (request.url ?? '').split('?');
    const route = `${request.method} ${path.replace(/\/$/, '')}`;
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
