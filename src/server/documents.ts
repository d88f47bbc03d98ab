// From what a request says of its document to the text that is to run: trusted documents, and those that came before.
import { type DocumentNode, GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import type { ErrorCode } from '../errors.ts';
import type { Visit } from './accounting.ts';
import type { AutomaticPersistedQueries } from './automatic-persisted-queries.ts';
import {
  badRequest,
  type DocumentParams,
  type DocumentRequest,
  hashOf,
  readDocumentRequest,
} from './document-request.ts';
import { LONGEST_LOGGED_NAME } from './exchange.ts';
import { type CheckDocument, NO_DOCUMENTS, readTrustedDocuments } from './trusted-documents.ts';

/** What became of a document that was asked for, where trust is looked at. */
export type DocumentOutcome = 'trusted' | 'unknown' | 'refused';

/** A document that is not trusted: never its text, which may hold anything. */
export type UnknownDocument = { hash: string; operationName: string | null };

export type DocumentsDependencies = {
  config: Pick<Config, 'trustedDocuments'>;
  /** Null: a document must be sent whole, or be trusted. */
  automatic: AutomaticPersistedQueries | null;
  clock: Clock;
  /** Told of every document; null when nobody counts. */
  onDocument(outcome: DocumentOutcome): void;
  /** Told of an unknown document, now and then. */
  onUnknown(document: UnknownDocument, outcome: DocumentOutcome): void;
};

export type Documents = ReturnType<typeof createDocuments>;

/** An unknown document is told once in so long, */
const TELL_AGAIN_MS = 600_000;
/** and no more than so many: anybody can make up any number of them. */
const MOST_TOLD = 100;

const SHA256 = /^[0-9a-f]{64}$/;

export function createDocuments(dependencies: DocumentsDependencies) {
  const { automatic, clock, onDocument, onUnknown } = dependencies;
  const { mode, path } = dependencies.config.trustedDocuments;
  let trusted = NO_DOCUMENTS;
  /** Texts that came with their hash, to be kept once they have turned out to be right. */
  const offered = new WeakMap<Visit, { id: string; text: string }>();
  const told = { since: Number.NEGATIVE_INFINITY, hashes: new Set<string>() };

  function note(outcome: 'unknown' | 'refused', text: string, operationName: unknown): void {
    onDocument(outcome);
    if (clock.now() - told.since >= TELL_AGAIN_MS) {
      told.since = clock.now();
      told.hashes.clear();
    }
    if (told.hashes.size >= MOST_TOLD) return;
    const hash = hashOf(text);
    if (told.hashes.has(hash)) return;
    told.hashes.add(hash);
    const name = typeof operationName === 'string' ? operationName.slice(0, LONGEST_LOGGED_NAME) : null;
    onUnknown({ hash, operationName: name }, outcome);
  }

  /** In strict mode, what is not trusted goes no further: nothing has looked into it yet. */
  function admitted(text: string, operationName: unknown): string {
    if (mode !== 'strict' || trusted.parsed(text)) return text;
    note('refused', text, operationName);
    throw badRequest('Only trusted documents run here.', 'DOCUMENT_NOT_TRUSTED' satisfies ErrorCode);
  }

  /**
   * The text that a request asks for; null where it asks for none. Throws, or rejects, with why there is none: unknown,
   * not trusted, or contradictory.
   */
  function textOf(visit: Visit, params: DocumentParams, operationName: unknown): string | null | Promise<string> {
    const { id, text } = readDocumentRequest(params);
    if (id === null) return text === null ? null : admitted(text, operationName);
    const known = trusted.textOf(id);
    if (text !== null) {
      if (text === known) return text;
      if (hashOf(text) !== id) throw badRequest('The id that was sent is not that of the text beside it.');
      admitted(text, operationName);
      if (automatic) offered.set(visit, { id, text });
      return text;
    }
    if (known !== undefined) return known;
    if (!automatic) throw notFound(mode !== 'off');
    const found = SHA256.test(id) ? automatic.find(id) : Promise.resolve(undefined);
    return typeof found === 'string' ? found : found.then((text) => text ?? Promise.reject(notFound(true)));
  }

  return {
    textOf,

    /** The text that a request asks for, where that is clear at once. Looking it up leaves no trace; null says nothing. */
    knownText(params: DocumentParams): string | null {
      let asked: DocumentRequest;
      try {
        asked = readDocumentRequest(params);
      } catch {
        return null;
      }
      const { id, text } = asked;
      if (id === null) return text !== null && (mode !== 'strict' || trusted.parsed(text)) ? text : null;
      const known = trusted.textOf(id) ?? automatic?.peek(id);
      return known !== undefined && (text === null || text === known) ? known : null;
    },

    isTrusted: (document: DocumentNode): boolean => mode !== 'off' && trusted.isTrusted(document),

    /** Reads what is trusted; answers what is wrong with it. To be called once, before the first request. */
    read(check: CheckDocument): readonly string[] {
      if (mode === 'off') return [];
      const read = readTrustedDocuments(path, check);
      trusted = read.trusted;
      return read.problems;
    },

    /** An operation of this document is right, and begins. */
    begin(visit: Visit, document: DocumentNode): void {
      const offer = automatic && offered.get(visit);
      if (offer) automatic?.keep(offer.id, offer.text);
      if (mode === 'off') return;
      if (trusted.isTrusted(document)) onDocument('trusted');
      else note('unknown', document.loc?.source.body ?? '', visit.exchange.operationName);
    },

    /** What Yoga asks about the documents of HTTP requests, and of all that it parses. */
    plugin: {
      onParams({ params, setParams, context: { visit } }) {
        const { documentId, doc_id, ...rest }: DocumentParams & typeof params = params;
        const asked = { ...rest, documentId, doc_id, ...idsInUrl(visit) };
        // What else is in there is left to Yoga, which refuses what it does not know.
        const take = (query: string) => setParams({ ...rest, query });
        const text = textOf(visit, asked, params.operationName);
        if (text instanceof Promise) return text.then(take);
        if (text !== null) take(text);
      },
      // Parsed at the start, so that not even the size of a cache has them parsed again.
      onParse({ params: { source }, setParsedDocument }) {
        const document = typeof source === 'string' ? trusted.parsed(source) : undefined;
        if (document) setParsedDocument(document);
      },
    } satisfies Plugin<{ visit: Visit }, { visit: Visit }>,
  };
}

/** Yoga takes only what it knows from a URL. */
function idsInUrl({ origin }: Visit): DocumentParams {
  if (!('request' in origin) || origin.request.method !== 'GET') return {};
  const parameters = new URL(origin.request.url ?? '', 'http://localhost').searchParams;
  return { documentId: parameters.get('documentId') ?? undefined, doc_id: parameters.get('doc_id') ?? undefined };
}

/**
 * In the words of Apollo's protocol, by which clients know to send the text. They want HTTP status 200 beside
 * `application/json`, as Apollo's own server does it; the newer type says by its status that there is no data.
 */
function notFound(isSupported: boolean): GraphQLError {
  const [message, code] = isSupported
    ? (['PersistedQueryNotFound', 'PERSISTED_QUERY_NOT_FOUND'] as const)
    : (['PersistedQueryNotSupported', 'PERSISTED_QUERY_NOT_SUPPORTED'] as const);
  const extensions = { code: code satisfies ErrorCode, http: { spec: true, status: 400 } };
  return new GraphQLError(message, { extensions });
}
