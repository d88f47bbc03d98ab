// One call on the wire, from its path to its answer, with the faults of the connection where they strike.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text as readAll } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { parseJson } from '../json.ts';
import { COMMANDS, type Command, type Envelope, pathOf } from '../tencent/wire.ts';
import { type CallLog, COMMAND_NAMES } from './calls.ts';
import { type Admission, checkBody } from './checks.ts';
import { type Handler, Refusal } from './envelope.ts';
import type { DrawnFaults, FaultSwitches } from './faults.ts';
import { send, sendJson } from './http.ts';

const BAD_GATEWAY = '<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>';

type Dependencies = {
  handlers: { readonly [C in Command]: Handler };
  admit: (admission: Admission) => void;
  faults: FaultSwitches;
  calls: CallLog;
  /** Last change of an answer's JSON before it leaves. */
  finish: (json: string) => string;
  closing: AbortSignal;
};

export function createWireHandler({ handlers, admit, faults, calls, finish, closing }: Dependencies) {
  /** Steps 1 to 11 of the order of CONTRACT 9.1, after the path. */
  function answerTo(admission: Admission, json: unknown): Answer {
    const { command, faults } = admission;
    const { service } = COMMANDS[command];
    try {
      admit(admission);
      const body = checkBody(json, service);
      return envelope(service, 0, '', handlers[command](body, faults));
    } catch (error) {
      if (error instanceof Refusal) return envelope(service, error.code, error.message);
      throw error;
    }
  }

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [path = '', search = ''] = (request.url ?? '').split(/\?(.*)/s);
    const query = new URLSearchParams(search);
    const text = await readAll(request);
    const command = COMMAND_NAMES.find((name) => pathOf(name) === path);
    if (!command) return sendJson(response, 200, envelope(path.split('/')[2] ?? '', 60009, `no such API: ${path}`));

    const json = parseJson(text);
    const settled = calls.arrived({
      command,
      identifier: query.get('identifier'),
      body: json === undefined ? text : json,
    });
    const drawn = faults.draw(command);
    const instead = breakConnection(drawn, request, response);
    if (instead) return settled(instead);

    const admission = { method: request.method ?? '', command, query, faults: drawn };
    const answer = answerTo(admission, json);
    settled(drawn.answerLost ? 'lost' : answer.ErrorCode);
    if (drawn.latency) await delay(drawn.latency.ms, undefined, { signal: closing });
    if (drawn.answerLost) return void request.socket.destroy();
    send(response, 200, 'application/json', finish(textOf(answer, drawn)));
  };
}

/** Lets a fault of the connection take the place of the call; answers what it did, or undefined. */
function breakConnection(
  { silence, reset, httpError }: DrawnFaults,
  request: IncomingMessage,
  response: ServerResponse,
): string | undefined {
  if (silence) return 'silence';
  if (reset) {
    request.socket.resetAndDestroy();
    return 'reset';
  }
  if (!httpError) return undefined;
  const { status = 502, body = BAD_GATEWAY } = httpError;
  send(response, status, 'text/html', body);
  return `http${status}`;
}

type Answer = Envelope & { [field: string]: unknown };

function envelope(service: string, ErrorCode: number, ErrorInfo: string, fields = {}): Answer {
  const display = ['follow', 'profile', 'sns'].includes(service) ? { ErrorDisplay: '' } : {};
  return { ...fields, ActionStatus: ErrorCode === 0 ? 'OK' : 'FAIL', ErrorCode, ErrorInfo, ...display };
}

function textOf(answer: Answer, { rewrite }: DrawnFaults): string {
  const json = JSON.stringify(answer);
  return rewrite ? json.replaceAll(new RegExp(rewrite.pattern, 'g'), rewrite.with) : json;
}
