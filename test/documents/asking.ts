// Documents as clients of several kinds ask for them.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { get, post } from '../http/requests.ts';
import type { TestGateway } from '../support/gateway.ts';

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Ways to name a document, as members of a request. */
export const FORMS: readonly [string, (id: string) => Record<string, unknown>][] = [
  ['documentId', (id) => ({ documentId: id })],
  ['documentId with a prefix', (id) => ({ documentId: `sha256:${id}` })],
  ['doc_id', (id) => ({ doc_id: id })],
  ['extensions.persistedQuery', (id) => ({ extensions: { persistedQuery: { version: 1, sha256Hash: id } } })],
];

type Addressed = Pick<TestGateway, 'url'>;

export const postJson = (gateway: Addressed, body: object, headers: Record<string, string> = {}) =>
  post(gateway, JSON.stringify(body), 'application/json', headers);

/** The same request by GET: values that are no text go as JSON. */
export const getJson = (gateway: Addressed, body: object, headers: Record<string, string> = {}) =>
  get(gateway, parametersOf(body), { headers });

export const parametersOf = (body: object): Record<string, string> =>
  Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );

/** A directory with these files, for the running test; its path. */
export function directoryOf(files: Record<string, unknown>): string {
  const directory = mkdtempSync(join(tmpdir(), 'documents-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    const file = join(directory, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  }
  return directory;
}
