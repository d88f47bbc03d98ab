// Documents that a deployer trusts, as client tools write them down: Relay's map, Apollo's manifest, or plain files.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/** A document as it is written down. `id` is null where nobody gave it one; `place` says where it stands. */
export type WrittenDocument = { readonly id: string | null; readonly text: string; readonly place: string };

export type Manifest = { readonly documents: readonly WrittenDocument[]; readonly problems: readonly string[] };

const APOLLO_FORMAT = 'apollo-persisted-query-manifest';
const IS_GRAPHQL = /\.(graphql|gql)$/;
const IS_JSON = /\.json$/;

/** Reads a file, or all `.graphql`, `.gql` and `.json` files in a directory and below. Problems are told, never thrown. */
export function readManifest(path: string): Manifest {
  let files: readonly string[];
  try {
    files = filesOf(path);
  } catch (error) {
    return { documents: [], problems: [`${path} cannot be read: ${codeOf(error)}`] };
  }
  const manifests = files.map((file) => readOne(file, relative(path, file) || path));
  const documents = manifests.flatMap((manifest) => manifest.documents);
  const problems = manifests.flatMap((manifest) => manifest.problems);
  return {
    documents,
    problems: documents.length + problems.length > 0 ? problems : [`${path} holds no documents`],
  };
}

function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => IS_GRAPHQL.test(name) || IS_JSON.test(name))
    .sort()
    .map((name) => join(path, name));
}

function readOne(file: string, name: string): Manifest {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return { documents: [], problems: [`${name} cannot be read: ${codeOf(error)}`] };
  }
  if (IS_GRAPHQL.test(file)) return { documents: [{ id: null, text, place: name }], problems: [] };
  try {
    return readJson(JSON.parse(text), name);
  } catch {
    return { documents: [], problems: [`${name} is not JSON`] };
  }
}

function readJson(json: unknown, name: string): Manifest {
  if (!isRecord(json)) return { documents: [], problems: [`${name} must be a JSON object`] };
  if (!('format' in json)) return collect(Object.entries(json), name);
  const { format, version, operations } = json;
  if (format !== APOLLO_FORMAT || version !== 1 || !Array.isArray(operations))
    return { documents: [], problems: [`${name} is no "${APOLLO_FORMAT}" of version 1`] };
  return collect(
    operations.map((operation: unknown) => (isRecord(operation) ? [operation.id, operation.body] : [])),
    name,
  );
}

function collect(entries: readonly (readonly unknown[])[], name: string): Manifest {
  const documents: WrittenDocument[] = [];
  const problems: string[] = [];
  for (const [index, [id, text]] of entries.entries()) {
    if (typeof id !== 'string' || id === '') problems.push(`${name}: operation ${index + 1} has no id`);
    else if (typeof text !== 'string') problems.push(`${name}: ${id} has no text`);
    else documents.push({ id: id.replace(/^sha256:/, ''), text, place: `${name}: ${id}` });
  }
  return { documents, problems };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code ?? 'failure');
}
