// One request on the wire, from its path to its answer, with the faults of the connection where they strike.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from '../tencent/wire.ts';
import { type Body, isBody, parseBody } from './body.ts';
import type { CallLog } from './calls.ts';
import type { Admission } from './checks.ts';
import type { CommandTable } from './commands/command-table.ts';
import { disfigure } from './disfigure.ts';
import { type Answer, failAnswer, okAnswer, Refusal } from './envelope.ts';
import type { DrawnFaults, FaultSwitches } from './faults.ts';
import { readText, send, sendJson } from './http.ts';

const BAD_GATEWAY = '<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>';

type Dependencies = {
  commands: CommandTable;
  admit: (admission: Admission) => void;
  faults: Pick<FaultSwitches, 'draw'>;
  calls: Pick<CallLog, 'arrived'>;
  closing: AbortSignal;
};

export function createExchange({ commands, admit, faults, calls, closing }: Dependencies) {
  function routeOf(path: string): Command | undefined {
    const [, service, command] = /^\/v4\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    if (!command || !Object.hasOwn(commands, command)) return undefined;
    // The table has no other keys than commands.
    const known = command as Command;
    return commands[known].service === service ? known : undefined;
  }

  /** Steps 1 to 11 of the contract's check order (9.2), after the path. */
  function judge(admission: Admission, text: string | null, clientIp: string): Answer {
    const { command, query, faults } = admission;
    const { service, handle } = commands[command];
    try {
      admit(admission);
      const body = parseBody(text, service);
      if (faults.featureOff) throw new Refusal(30005);
      return okAnswer(service, handle(body, { faults, clientIp, operator: query.get('identifier') ?? '' }));
    } catch (error) {
      if (error instanceof Refusal) return failAnswer(service, error.code, error.message);
      throw error;
    }
  }

  /** Lets a fault of the connection take the place of the exchange; answers what it did, or undefined. */
  function cutShort(faults: DrawnFaults, request: IncomingMessage, response: ServerResponse): string | undefined {
    if (faults.silence) return 'silence';
    if (faults.reset) {
      request.socket.resetAndDestroy();
      return 'reset';
    }
    if (faults.httpError) {
      const { status = 502, body = BAD_GATEWAY } = faults.httpError;
      send(response, status, 'text/html', body);
      return `http${status}`;
    }
    return undefined;
  }

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [path = '', search = ''] = (request.url ?? '').split(/\?(.*)/s);
    const query = new URLSearchParams(search);
    const text = await readText(request);
    const command = routeOf(path);
    if (!command) return sendJson(response, 200, failAnswer(path.split('/')[2] ?? '', 60009, `no such API: ${path}`));

    const body = toBody(text);
    const outcome = calls.arrived({ command, identifier: query.get('identifier'), body });
    const drawn = faults.draw(command);
    const cut = cutShort(drawn, request, response);
    if (cut) return outcome(cut);

    const clientIp = request.socket.remoteAddress ?? '';
    const answer = judge({ method: request.method ?? '', command, query, faults: drawn }, text, clientIp);
    outcome(drawn.answerLost ? 'lost' : answer.ErrorCode);
    if (drawn.latency) await delay(drawn.latency.ms, undefined, { signal: closing });
    if (drawn.answerLost) {
      request.socket.destroy();
      return;
    }
    const json = JSON.stringify(disfigure(answer, isBody(body) ? body : {}, drawn));
    send(response, 200, 'application/json', drawn.truncatedJson ? json.slice(0, json.length / 2) : json);
  };
}

/** What the log keeps: the parsed body where there is one, the text as it came otherwise. */
function toBody(text: string | null): Body | string | null {
  try {
    return text && JSON.parse(text);
  } catch {
    return text;
  }
}
