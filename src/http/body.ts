/** Reads a request body as text, or gives up with null as soon as it is larger than `maxBytes`. */
export async function readBody(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string | null> {
  const read: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return null;
    read.push(chunk);
  }
  return Buffer.concat(read, bytes).toString('utf8');
}

/** Takes what is left of a body and drops it, `maxBytes` of it at most. */
export async function dropBody(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<void> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return;
  }
}

/** An answer for a request that never reaches GraphQL, in GraphQL's shape. */
export function refusal(message: string, code = 'BAD_REQUEST'): string {
  return JSON.stringify({ errors: [{ message, extensions: { code } }] });
}
