// The sandbox's own endpoint under /sandbox: look at the bill, arm faults, change the world. No call here is counted,
// limited or hit by a fault.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { COMMANDS } from './apis.ts';
import type { CallLog } from './calls.ts';
import { FAULT_TABLE } from './fault-table.ts';
import type { FaultPatch, FaultSwitches } from './faults.ts';
import { checkFields, type Fields, isObject, type ValuesOf } from './fields.ts';
import { readText, send, sendJson } from './http.ts';
import { drawAvatar } from './people.ts';
import type { PeopleActions } from './webhook-events.ts';
import type { Webhooks, WebhookTarget } from './webhooks.ts';
import type { World } from './world.ts';

export const AVATARS_PATH = '/sandbox/avatars';

type Dependencies = {
  app: { sdkAppId: number; admin: string };
  calls: CallLog;
  faults: FaultSwitches;
  world: World;
  act: PeopleActions;
  webhooks: Webhooks;
};

type Operation = { needs: Fields; takes: Fields; apply: (fields: { [field: string]: unknown }) => unknown };

/** Answers a request whose path begins with /sandbox. */
export function createControl({ app, calls, faults, world, act, webhooks }: Dependencies) {
  const operations: { [op: string]: Operation } = {
    follow: operation({ from: 'text', to: 'text' }, { at: 'a whole number' }, ({ from, to, at }) => ({
      changed: act.follow(from, to, at),
    })),
    unfollow: operation({ from: 'text', to: 'text' }, {}, ({ from, to }) => ({ changed: act.unfollow(from, to) })),
    setProfile: operation({ id: 'text', tags: TAGS }, {}, ({ id, tags }) => ({ changed: act.setProfile(id, tags) })),
    import: operation({ id: 'text' }, { tags: TAGS }, ({ id, tags }) => world.importAccount(id, tags)),
    remove: operation({ id: 'text' }, {}, ({ id }) => world.removeAccount(id)),
    addFans: operation({ id: 'text', count: 'a whole number' }, {}, ({ id, count }) => world.addFans(id, count)),
  };

  function changeWorld(json: unknown): unknown {
    if (!isObject(json)) throw new Error('A change must be a JSON object');
    const { op, ...fields } = json;
    const change = typeof op === 'string' && Object.hasOwn(operations, op) ? operations[op] : undefined;
    if (!change) throw new Error(`Unknown op ${JSON.stringify(op)}; known are ${Object.keys(operations).join(', ')}`);
    checkFields(String(op), fields, change);
    return change.apply(fields);
  }

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
    'POST /sandbox/world': changeWorld,
    'GET /sandbox/webhook': () => ({ deliveries: webhooks.deliveries() }),
    'PUT /sandbox/webhook': (json) => {
      const target = isObject(json) ? json : {};
      checkFields('A webhook', target, { needs: { url: 'text' }, takes: { token: 'text' } });
      // The line above has checked it.
      webhooks.connect(target as WebhookTarget);
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
        { on: on.length === COMMANDS.length ? 'every command' : on, ...entry },
      ]),
    ),
    scopes: { commands: 'only these', every: 'each n-th call', times: 'the first n hits' },
    world: operations,
    examples: {
      'PUT /sandbox/faults': {
        shortPages: { keep: 3 },
        error: { code: 60007, times: 5 },
        latency: { ms: 400, every: 100 },
        rewrite: { pattern: '"FollowerCount":\\d+', with: '"FollowerCount":-1' },
      },
      'POST /sandbox/world': { op: 'follow', from: 'user_00001', to: 'UserID_001' },
    },
  };

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const text = await readText(request);
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

const TAGS = 'tags with texts or numbers';

function operation<const N extends Fields, const T extends Fields>(
  needs: N,
  takes: T,
  apply: (fields: ValuesOf<N> & Partial<ValuesOf<T>>) => unknown,
): Operation {
  // Its caller checks the fields against `needs` and `takes` first.
  return { needs, takes, apply: apply as Operation['apply'] };
}
