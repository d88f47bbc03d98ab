// Documents that are known beforehand, or by the hash under which they came once.
import { GraphQLError, parse, print } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import type { Config } from '../config.ts';
import type { ErrorCode } from '../errors.ts';
import type { OccasionalReport } from '../report.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { readManifest, type WrittenDocument } from './document-manifest.ts';
import { readStarterOperations } from './graphiql.ts';
import { shorten } from './public-answer.ts';
import { refusal } from './refusals.ts';
import { hashOf, MAX_LOGGED_NAME, type RequestState } from './request-state.ts';

/** The parameters of a request as they came, unchecked. */
type Params = {
  query?: unknown;
  operationName?: unknown;
  /** GraphQL over HTTP's own name, and urql's. */
  documentId?: unknown;
  /** Relay's, as its documentation has it. */
  doc_id?: unknown;
  /** Apollo's is in `persistedQuery`. */
  extensions?: { persistedQuery?: unknown } | null;
};

const MAX_ID_LENGTH = 200;
const MAX_KEPT_LETTERS = 2_000_000;
/** A longer text is sent whole each time, since clients may have theirs kept without being known. */
const MAX_KEPT_TEXT = 16_384;

export type Documents = ReturnType<typeof createDocuments>;

export function createDocuments(config: Config, report: OccasionalReport, metrics: Metrics | null) {
  const { mode, path } = config.trustedDocuments;
  const isAutomatic = config.automaticPersistedQueries;
  /** Texts that are trusted, each with the form that graphql prints; and by which ids. */
  const trusted = { texts: new Map<string, string>(), byId: new Map<string, string>() };
  const kept = new LRUCache<string, string>({ maxSize: MAX_KEPT_LETTERS, sizeCalculation: (text) => text.length + 64 });

  /** Counts a document; one that is not trusted is logged now and then, never by its text, which may hold anything. */
  function note(outcome: 'trusted' | 'unknown' | 'refused', text: string, operationName: unknown): void {
    metrics?.documents.inc({ outcome });
    if (outcome === 'trusted') return;
    const hash = hashOf(text);
    const name = typeof operationName === 'string' ? operationName.slice(0, MAX_LOGGED_NAME) : null;
    const what = outcome === 'refused' ? 'refused' : 'asked for';
    report(hash, `A document that is not trusted was ${what}`, { hash, operationName: name });
  }

  function textOf(id: string): string {
    // Whether there can be a document that is asked for by its id.
    if (!isAutomatic && mode === 'off') throw notFound('PersistedQueryNotSupported', 'PERSISTED_QUERY_NOT_SUPPORTED');
    const text = trusted.byId.get(id) ?? kept.get(id);
    if (text === undefined) throw notFound('PersistedQueryNotFound', 'PERSISTED_QUERY_NOT_FOUND');
    return text;
  }

  /** Refuses a text that may not run, or whose id is not its own. */
  function admit(text: string, id: string | null, operationName: unknown): void {
    const isTrusted = trusted.texts.has(text);
    const isItsOwn = isTrusted && trusted.texts.get(trusted.byId.get(id ?? '') ?? '') === trusted.texts.get(text);
    if (id !== null && !isItsOwn && hashOf(text) !== id)
      throw refusal(400, 'The id that was sent is not that of the text beside it.');
    if (mode !== 'strict' || isTrusted) return;
    note('refused', text, operationName);
    throw refusal(400, 'Only trusted documents run here.', 'DOCUMENT_NOT_TRUSTED');
  }

  const plugin: Plugin<object, { state: RequestState }> = {
    onParams({ params, setParams, context: { state } }) {
      const { documentId: _, doc_id: __, ...rest } = params as Params & typeof params;
      const { query, operationName } = params as Params;
      const id = idOf(params as Params);
      if (query == null && id === null) throw refusal(400, 'Send "query", or the id of a document.');
      if (!query && id !== null) return setParams({ ...rest, query: textOf(id) });
      // Yoga refuses what is no text.
      if (!query || typeof query !== 'string') return;
      admit(query, id, operationName);
      if (isAutomatic && query.length <= MAX_KEPT_TEXT) state.documentId = id;
      setParams(rest);
    },
  };

  return {
    plugin,

    /** An operation of a document begins. */
    begin({ text, documentId, operationName }: RequestState): void {
      if (documentId !== null) kept.set(documentId, text);
      if (mode === 'off') return;
      note(trusted.texts.has(text) ? 'trusted' : 'unknown', text, operationName);
    },

    /**
     * Reads the gateway's own documents, and the deployer's where there are some; to be called once, before the first
     * request. Answers what is wrong with the latter. What these settings do not allow of the former is left out.
     */
    read(check: (text: string) => void): readonly string[] {
      if (mode === 'off') return [];
      for (const text of readStarterOperations()) add({ id: null, text, place: 'schema/operations' }, check);
      if (path === null) return [];
      const { documents, problems } = readManifest(path);
      return [...problems, ...documents.flatMap((document) => add(document, check) ?? [])];
    },
  };

  /** Trusts a document, or says why it cannot. Clients may send it as it is written, or as graphql prints it. */
  function add({ id, text, place }: WrittenDocument, check: (text: string) => void) {
    try {
      check(text);
    } catch (error) {
      return `${place}: ${shorten((error as Error).message)}`;
    }
    const printed = print(parse(text));
    const other = id === null ? undefined : trusted.byId.get(id);
    if (other !== undefined && trusted.texts.get(other) !== printed)
      return `${place}: another document has the same id`;
    for (const form of [text, text.trim(), printed]) {
      trusted.texts.set(form, printed);
      trusted.byId.set(hashOf(form), form);
    }
    if (id !== null) trusted.byId.set(id, text);
    return null;
  }
}

/** The id by which a request asks for a document. Throws where it is malformed, or several contradict each other. */
function idOf({ documentId, doc_id, extensions }: Params): string | null {
  const persisted = extensions?.persistedQuery as { version?: unknown; sha256Hash?: unknown } | null | undefined;
  if (persisted != null && persisted.version !== 1)
    throw refusal(400, '"extensions.persistedQuery.version" must be 1.');
  const named = {
    documentId,
    doc_id,
    'extensions.persistedQuery.sha256Hash': persisted == null ? null : (persisted.sha256Hash ?? ''),
  };
  const ids = new Set<string>();
  for (const [name, id] of Object.entries(named)) {
    if (id == null) continue;
    if (typeof id !== 'string' || id === '' || id.length > MAX_ID_LENGTH)
      throw refusal(400, `"${name}" must be the id of a document: a string of 1 to ${MAX_ID_LENGTH} characters.`);
    ids.add(id.replace(/^sha256:/, ''));
  }
  if (ids.size > 1) throw refusal(400, 'The request names several documents: send one id.');
  const [id = null] = ids;
  return id;
}

/**
 * In the words of Apollo's protocol, by which clients know to send the text. They want HTTP status 200 beside
 * `application/json`, as Apollo's own server does it; the newer type says by its status that there is no data.
 */
function notFound(message: string, code: ErrorCode): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { spec: true, status: 400 } } });
}
