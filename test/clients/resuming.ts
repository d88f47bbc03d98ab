// The code of schema/CLIENTS.md by which graphql-ws and graphql-sse come back with the last cursor.
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import type { Client } from 'graphql-ws';
import { expect } from 'vitest';

export type Resuming = <C extends Pick<Client, 'subscribe'>>(client: C) => C;

/** Reads it as it stands there. */
export async function readResuming(): Promise<Resuming> {
  const page = readFileSync(new URL('../../schema/CLIENTS.md', import.meta.url), 'utf8');
  const [, snippet = ''] = /```ts\n(export function resuming.*?)```/s.exec(page) ?? [];
  expect(snippet.split('\n').length).toBeLessThanOrEqual(21);
  const script = encodeURIComponent(stripTypeScriptTypes(snippet));
  return ((await import(/* @vite-ignore */ `data:text/javascript,${script}`)) as { resuming: Resuming }).resuming;
}
