// One fetch of a JSON document from the configured host and from nowhere else, bounded in time and size.
import type { Clock } from '../clock.ts';

/** A key takes less than 1 KiB, with a certificate chain a few; issuers publish two or three. */
const MAX_BYTES = 256 * 1024;
const TIMEOUT_MS = 5000;

/** Resolves with what `url` holds; rejects with an error whose message is fit for a log: it repeats neither URL nor answer. */
export async function fetchKeys(url: string, clock: Clock): Promise<unknown> {
  const patience = new AbortController();
  const over = new AbortController();
  clock.sleep(TIMEOUT_MS, over.signal).then(
    () => patience.abort(),
    () => {},
  );
  try {
    return parse(await download(url, patience.signal));
  } catch (error) {
    if (patience.signal.aborted) throw new Error(`no answer in ${TIMEOUT_MS} ms`);
    if (error instanceof FetchFailure) throw error;
    const { code } = ((error as Error).cause ?? {}) as { code?: unknown }; // as Node's fetch tells of sockets
    throw new Error(typeof code === 'string' ? code : 'the connection failed');
  } finally {
    over.abort();
  }
}

class FetchFailure extends Error {}

async function download(url: string, signal: AbortSignal): Promise<string> {
  // Who answers for the keys is set by whoever runs the gateway, not by a redirect.
  const response = await fetch(url, { signal, redirect: 'manual', headers: { accept: 'application/json' } });
  if (response.status !== 200 || !response.body) {
    await response.body?.cancel();
    throw new FetchFailure(`the answer is HTTP ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new FetchFailure(`the answer is larger than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FetchFailure('the answer is not JSON');
  }
}
