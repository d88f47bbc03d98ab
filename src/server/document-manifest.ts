// Documents that a deployer trusts, as client tools write them down: Relay's map, Apollo's manifest, or plain files.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isRecord } from '../json.ts';

/** A document as it is written down. `id` is null where it has none; `place` says where it stands. */
export type WrittenDocument = { readonly id: string | null; readonly text: string; readonly place: string };

const APOLLO_FORMAT = 'apollo-persisted-query-manifest';
const IS_GRAPHQL = /\.(graphql|gql)$/;
const IS_JSON = /\.json$/;

/** Reads a file, or all `.graphql`, `.gql` and `.json` files in a directory and below. Problems are returned, never thrown. */
export function readManifest(path: string) {
  const documents: WrittenDocument[] = [];
  const problems: string[] = [];
  const attempt = (name: string, read: () => void) => {
    try {
      read();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const reason = error instanceof SyntaxError ? 'is not JSON' : message;
      problems.push(`${name} ${code ? `cannot be read: ${code}` : reason}`);
    }
  };

  function readFile(file: string, name: string): void {
    const text = readFileSync(file, 'utf8');
    if (IS_GRAPHQL.test(file)) {
      documents.push({ id: null, text, place: name });
      return;
    }
    for (const [index, [id, body]] of entriesOf(text).entries()) {
      if (typeof id !== 'string' || id === '') problems.push(`${name}: operation ${index + 1} has no id`);
      else if (typeof body !== 'string') problems.push(`${name}: ${id} has no text`);
      else documents.push({ id: id.replace(/^sha256:/, ''), text: body, place: `${name}: ${id}` });
    }
  }

  attempt(path, () => {
    for (const file of filesOf(path)) {
      const name = relative(path, file) || path;
      attempt(name, () => readFile(file, name));
    }
  });
  if (documents.length + problems.length === 0) problems.push(`${path} holds no documents`);
  return { documents, problems };
}

function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => IS_GRAPHQL.test(name) || IS_JSON.test(name))
    .sort()
    .map((name) => join(path, name));
}

/** The ids and texts of a file of JSON; throws what is wrong with it as a whole. */
function entriesOf(text: string): (readonly unknown[])[] {
  const json: unknown = JSON.parse(text);
  if (!isRecord(json)) throw new Error('must be a JSON object');
  if (!('format' in json)) return Object.entries(json);
  const { format, version, operations } = json;
  if (format !== APOLLO_FORMAT || version !== 1 || !Array.isArray(operations))
    throw new Error(`is no "${APOLLO_FORMAT}" of version 1`);
  return operations.map((operation: Record<string, unknown> | null) => [operation?.id, operation?.body]);
}
