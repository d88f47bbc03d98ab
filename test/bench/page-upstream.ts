// An upstream that answers follow_get at once with pages that were stored before, so that what is measured in front of it
// is neither its work nor its limit. The pages are the sandbox's own, read from it over its wire at the start.
//
//   LATENCY_MS=20 node test/bench/page-upstream.ts
//
// `few_…` have 20 fans, `many_…` have 100 and more on the way; the number behind it chooses whose they are.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../src/clock.ts';
import { createSandbox, SANDBOX_APP } from '../../src/sandbox/sandbox.ts';
import { createTencentClient } from '../../src/tencent/client.ts';
import type { FollowGetRequest, FollowGetResponse } from '../../src/tencent/wire.ts';

const VARIANTS = 100;
const WHOLE_PAGE = 100;
const FEW = 20;
const LATENCY_MS = Number(process.env.LATENCY_MS ?? 0);

const REFUSAL = Buffer.from('{"ActionStatus":"FAIL","ErrorCode":60009,"ErrorInfo":"only follow_get of a first page"}');

const pages = await readPages();
const many = pages.map((page) => Buffer.from(JSON.stringify(page)));
const few = pages.map(({ FollowItem = [], ...rest }) =>
  Buffer.from(JSON.stringify({ FollowItem: FollowItem.slice(0, FEW), ...rest, NextCursor: '' })),
);
let calls = 0;

/** The first pages of the person with the most fans, as the sandbox sends them. */
async function readPages(): Promise<FollowGetResponse[]> {
  const sandbox = createSandbox({ rateLimits: Number.POSITIVE_INFINITY });
  const { url } = await sandbox.listen();
  const client = createTencentClient({
    baseUrl: url,
    sdkAppId: SANDBOX_APP.sdkAppId,
    adminId: SANDBOX_APP.admin,
    secretKey: SANDBOX_APP.secretKey,
    clock: systemClock,
  });
  const found: FollowGetResponse[] = [];
  while (found.length < VARIANTS) {
    const request: FollowGetRequest = {
      From_Account: 'star_100k',
      FollowType: 1,
      StartCursor: found.at(-1)?.NextCursor ?? '',
      WantNum: WHOLE_PAGE,
    };
    const call = { signal: AbortSignal.timeout(10_000), deadlineAt: Date.now() + 10_000 };
    // The client has checked the envelope; what is in it is the sandbox's.
    const page = (await client.call('follow_get', request, call)) as unknown as FollowGetResponse;
    if (page.FollowItem?.length !== WHOLE_PAGE || !page.NextCursor) throw new Error('The sandbox ran out of fans.');
    found.push(page);
  }
  await client.close();
  await sandbox.close();
  return found;
}

function answerTo(path: string, text: string): Buffer {
  if (!path.startsWith('/v4/follow/follow_get?')) return REFUSAL;
  const { From_Account: id, StartCursor: start, WantNum: want } = JSON.parse(text) as FollowGetRequest;
  const [, kind, number] = /^(few|many)_(\d+)$/.exec(id) ?? [];
  if (!kind || start !== '' || want !== WHOLE_PAGE) return REFUSAL;
  return (kind === 'few' ? few : many)[Number(number) % VARIANTS] ?? REFUSAL;
}

const server = createServer((request, response) => {
  if (request.url === '/calls') return response.end(String(calls));
  let text = '';
  request.setEncoding('utf8');
  request.on('data', (more: string) => {
    text += more;
  });
  request.on('end', async () => {
    calls++;
    if (LATENCY_MS > 0) await delay(LATENCY_MS);
    const bytes = answerTo(request.url ?? '', text);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.byteLength });
    response.end(bytes);
  });
});
server.keepAliveTimeout = 65_000;
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql\n`);
});
