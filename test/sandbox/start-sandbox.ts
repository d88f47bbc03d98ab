// A sandbox on a free port for one test, with a caller that speaks its wire.
import { createHmac } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import { APIS } from '../../src/sandbox/calls.ts';
import { createSandbox, SANDBOX_APP, type SandboxOptions } from '../../src/sandbox/sandbox.ts';
import type { Command } from '../../src/tencent/wire.ts';
import { createTestClock } from '../support/clock.ts';
import type { Responses, WireFollowItem } from './responses.ts';

/** 2023-11-14T22:13:20Z. */
export const START_MS = 1_700_000_000_000;

/** A clock that stands still until it is advanced. */
export const manualClock = () => createTestClock(START_MS);

export const userSigContent = {
  identifier: 'administrator',
  sdkAppId: 1400000000,
  time: 1_700_000_000,
  expire: 86_400,
};

/** Signs as the upstream's own libraries do (CONTRACT 2.2). */
export function signUserSig(content = userSigContent, key = SANDBOX_APP.secretKey): string {
  const { identifier, sdkAppId, time, expire } = content;
  const text = `TLS.identifier:${identifier}\nTLS.sdkappid:${sdkAppId}\nTLS.time:${time}\nTLS.expire:${expire}\n`;
  return packUserSig({
    'TLS.ver': '2.0',
    'TLS.identifier': identifier,
    'TLS.sdkappid': sdkAppId,
    'TLS.time': time,
    'TLS.expire': expire,
    'TLS.sig': createHmac('sha256', key).update(text).digest('base64'),
  });
}

export function packUserSig(json: unknown): string {
  const base64 = deflateSync(JSON.stringify(json)).toString('base64');
  return base64.replaceAll('+', '*').replaceAll('/', '-').replaceAll('=', '_');
}

/** Starts without people unless asked; the clock stands still unless one is given. */
export async function startSandbox(options: SandboxOptions = {}) {
  const clock = options.clock ?? manualClock();
  const sandbox = createSandbox({ emptyWorld: true, ...options, clock });
  const { url } = await sandbox.listen();
  onTestFinished(() => sandbox.close());
  const usersig = signUserSig({ ...userSigContent, time: Math.floor(clock.now() / 1000) });

  function addressOf(command: Command, query: Record<string, string> = {}): string {
    const search = { sdkappid: '1400000000', identifier: 'administrator', usersig, random: '7', contenttype: 'json' };
    return `${url}/v4/${APIS[command].service}/${command}?${new URLSearchParams({ ...search, ...query })}`;
  }

  function post(command: Command, body: unknown, signal?: AbortSignal): Promise<Response> {
    return fetch(addressOf(command), { method: 'POST', body: JSON.stringify(body), signal });
  }

  async function call<C extends Command>(command: C, body: unknown): Promise<Responses[C]> {
    const response = await post(command, body);
    return (await response.json()) as Responses[C];
  }

  /** Follows NextCursor to its end, at most 50 pages. */
  async function pages(id: string, FollowType: number, WantNum: number): Promise<WireFollowItem[][]> {
    const read: WireFollowItem[][] = [];
    let StartCursor = '';
    do {
      const page = await call('follow_get', { From_Account: id, FollowType, StartCursor, WantNum });
      if (page.ErrorCode !== 0) throw new Error(`follow_get failed with ${page.ErrorCode}: ${page.ErrorInfo}`);
      read.push(page.FollowItem ?? []);
      StartCursor = page.NextCursor;
    } while (StartCursor !== '' && read.length < 50);
    return read;
  }

  return { ...sandbox, url, addressOf, post, call, pages };
}

/** A first page request for somebody's fans. */
export const firstPage = (id: string, WantNum = 100) => ({ From_Account: id, FollowType: 1, StartCursor: '', WantNum });
