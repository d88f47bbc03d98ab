// Documents that are known beforehand: by each id that a client may have for them, parsed and checked at the start.
import { fileURLToPath } from 'node:url';
import { type DocumentNode, print } from 'graphql';
import { shorten } from '../errors.ts';
import { readManifest, type WrittenDocument } from './document-manifest.ts';
import { hashOf } from './document-request.ts';

export type TrustedDocuments = {
  /** The text of the document with this id. */
  textOf(id: string): string | undefined;
  /** The document of a text that is trusted. */
  parsed(text: string): DocumentNode | undefined;
  isTrusted(document: DocumentNode): boolean;
};

/** Parses and validates a text: the document, or the first thing that is wrong with it. */
export type CheckDocument = (text: string) => DocumentNode | { problem: string };

/** The operations of this repository, which codegen wrote down. */
const OWN_MANIFEST = fileURLToPath(new URL('../../schema/trusted-documents.json', import.meta.url));

/** Where no document is trusted. */
export const NO_DOCUMENTS: TrustedDocuments = {
  textOf: () => undefined,
  parsed: () => undefined,
  isTrusted: () => false,
};

/**
 * Reads the gateway's own manifest, and the deployer's at `path` where there is one. All that is wrong with the latter is
 * in `problems`; of the former, what these settings do not allow is left out.
 */
export function readTrustedDocuments(
  path: string | null,
  check: CheckDocument,
): { trusted: TrustedDocuments; problems: readonly string[] } {
  const texts = new Map<string, string>();
  const documents = new Map<string, DocumentNode>();
  const known = new WeakSet<DocumentNode>();

  /** Takes a document in, or says why it cannot be. */
  function add({ id, text, place }: WrittenDocument): string | null {
    const document = documents.get(text) ?? check(text);
    if ('problem' in document) return `${place}: ${shorten(document.problem)}`;
    const printed = print(document);
    const namesake = id === null ? undefined : texts.get(id);
    if (id !== null && namesake !== undefined && namesake !== text && printedOf(namesake) !== printed)
      return `${place}: another document has the same id`;
    known.add(document);
    for (const form of [text, printed]) {
      if (!documents.has(form)) documents.set(form, document);
      texts.set(hashOf(form), form);
    }
    if (id !== null && namesake === undefined) texts.set(id, text);
    return null;
  }

  function printedOf(text: string): string | undefined {
    const document = documents.get(text);
    return document && print(document);
  }

  // The deployer may have given users another name, or allow less depth.
  for (const document of readManifest(OWN_MANIFEST).documents) add(document);
  const own = path === null ? { documents: [], problems: [] } : readManifest(path);
  const problems = [...own.problems, ...own.documents.flatMap((document) => add(document) ?? [])];
  return {
    trusted: {
      textOf: (id) => texts.get(id),
      parsed: (text) => documents.get(text),
      isTrusted: (document) => known.has(document),
    },
    problems,
  };
}
