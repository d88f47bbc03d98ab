// Operations that are asked again and again: after a few times they are compiled, and ready to run from then on.
import { type DocumentNode, type GraphQLSchema, getOperationAST } from 'graphql';
import { LRUCache } from 'lru-cache';
import { type CompiledOperation, compileOperation } from '../execution/compile.ts';
import { dependsOnViewer } from '../graph/viewer-fields.ts';
import type { CheckDocument } from '../http/trusted-documents.ts';

export type KnownOperation = {
  /** Tells this one from all others that there ever were. */
  readonly id: number;
  readonly document: DocumentNode;
  readonly operationName: string | null;
  readonly compiled: CompiledOperation;
  /** Whether its answer may be kept for whoever is not logged in, */
  readonly isPublic: boolean;
  /** and for whoever is, too: the deployer says so. */
  readonly isForEverybody: boolean;
};

export type KnownOperations = {
  /** Counts a question; null until it has been asked often enough, or when only the general executor can run it. */
  find(text: string, operationName: string | null): KnownOperation | null;
};

export type KnownOperationsOptions = {
  schema: GraphQLSchema;
  /** How often an operation is asked before it is compiled. */
  after: number;
  /** Parses and validates, with all limits. */
  check: CheckDocument;
  isTrusted(document: DocumentNode): boolean;
  /** Names of operations that answer everybody alike. */
  publicOperations: readonly string[];
};

/** Compiled, an operation takes some kilobytes, and a hundred bytes for each letter of its text. */
const MOST_OPERATIONS = 1000;
const MOST_LETTERS = 500_000;

type Asked = { times: number; operation: KnownOperation | null | undefined };

export function createKnownOperations(options: KnownOperationsOptions): KnownOperations {
  const { schema, after, check, isTrusted, publicOperations } = options;
  let prepared = 0;
  const asked = new LRUCache<string, Asked>({
    max: MOST_OPERATIONS,
    maxSize: MOST_LETTERS,
    sizeCalculation: (_asked, key) => key.length,
  });

  function prepare(text: string, operationName: string | null): KnownOperation | null {
    const document = check(text);
    if ('problem' in document) return null;
    const operation = getOperationAST(document, operationName);
    const compiled = operation?.operation === 'query' ? compileOperation(schema, document, operationName) : null;
    if (!compiled) return null;
    const isPublic = isTrusted(document) && !dependsOnViewer(document);
    const isForEverybody = isPublic && publicOperations.includes(operation?.name?.value ?? '');
    return { id: ++prepared, document, operationName, compiled, isPublic, isForEverybody };
  }

  return {
    find(text, operationName) {
      // No valid text has such a letter, which parts the name from it.
      if (text.includes('\0')) return null;
      const key = operationName === null ? text : `${operationName}\0${text}`;
      let known = asked.get(key);
      if (!known) {
        known = { times: 0, operation: undefined };
        asked.set(key, known);
      }
      if (known.operation === undefined && known.times++ >= after) known.operation = prepare(text, operationName);
      return known.operation ?? null;
    },
  };
}
