// Which document a request asks for: its text, or the id that clients of several kinds give it.
import { createHash } from 'node:crypto';
import { GraphQLError } from 'graphql';

/** What a request may say of its document, as it came: nothing of it is checked yet. */
export type DocumentParams = {
  readonly query?: unknown;
  /** GraphQL over HTTP's own name, and urql's. */
  readonly documentId?: unknown;
  /** Relay's, as its documentation has it. */
  readonly doc_id?: unknown;
  /** Apollo's is in `persistedQuery`. */
  readonly extensions?: unknown;
};

export type DocumentRequest = { readonly text: string | null; readonly id: string | null };

const LONGEST_ID = 200;

/** Reads what was asked for. Throws `BAD_REQUEST` where it is malformed, or several ids contradict each other. */
export function readDocumentRequest({ query, documentId, doc_id, extensions }: DocumentParams): DocumentRequest {
  const ids = new Set<string>();
  if (documentId != null) ids.add(readId(documentId, 'documentId'));
  if (doc_id != null) ids.add(readId(doc_id, 'doc_id'));
  const persisted = (extensions as { persistedQuery?: unknown } | null | undefined)?.persistedQuery;
  if (persisted != null) ids.add(readApolloId(persisted));
  if (ids.size > 1) throw badRequest('The request names several documents: send one id.');
  const [id = null] = ids;
  if (id !== null && query != null && typeof query !== 'string') throw badRequest('"query" must be a string.');
  // Over WebSocket a text must be there, so that whoever has an id alone sends an empty one.
  return { text: typeof query === 'string' && query !== '' ? query : null, id };
}

/** The id of a text that every client can make by itself. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A refusal with HTTP status 400, whatever type of answer is accepted. */
export function badRequest(message: string, code = 'BAD_REQUEST'): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status: 400 } } });
}

function readId(value: unknown, name: string): string {
  if (typeof value !== 'string' || value === '' || value.length > LONGEST_ID)
    throw badRequest(`"${name}" must be the id of a document: a string of 1 to ${LONGEST_ID} characters.`);
  return value.replace(/^sha256:/, '');
}

function readApolloId(persisted: unknown): string {
  const { version, sha256Hash } = persisted as { version?: unknown; sha256Hash?: unknown };
  if (version !== 1) throw badRequest('"extensions.persistedQuery.version" must be 1.');
  return readId(sha256Hash, 'extensions.persistedQuery.sha256Hash');
}
