// Operations that are asked again and again: after a few times they are compiled, and ready to run from then on.
import { type DocumentNode, type GraphQLSchema, getOperationAST } from 'graphql';
import { LRUCache } from 'lru-cache';
import { type CompiledOperation, compileOperation } from '../execution/compile.ts';
import type { Texts } from '../execution/texts.ts';
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
  /** Keeps lists that are the same in all answers; null keeps none. */
  lists: Texts | null;
  /** Names of operations that answer everybody alike. */
  publicOperations: readonly string[];
};

/** Texts that are counted, whatever they are; a longer one is no operation that is asked again and again. */
const MOST_LETTERS = 500_000;
const LONGEST_KEY = 16_384;
/** Of those that are prepared, a field takes some 600 bytes in each variant, and a letter of the text a hundred. */
const MOST_FIELDS = 50_000;
const MOST_FIELDS_EACH = 2000;
const FIELDS_PER_LETTER = 1 / 6;

/** Only the general executor can run it. */
const UNFIT = 'unfit';

export function createKnownOperations(options: KnownOperationsOptions): KnownOperations {
  const { schema, after, check, isTrusted, lists, publicOperations } = options;
  let prepared = 0;
  // Apart, so that what anybody makes up once pushes out nothing that was worth preparing.
  const asked = new LRUCache<string, number>({ maxSize: MOST_LETTERS, sizeCalculation: (_times, key) => key.length });
  const ready = new LRUCache<string, KnownOperation | typeof UNFIT>({
    maxSize: MOST_FIELDS,
    sizeCalculation: (operation, key) =>
      Math.ceil(key.length * FIELDS_PER_LETTER) + (operation === UNFIT ? 0 : operation.compiled.fieldCount),
  });

  function prepare(text: string, operationName: string | null): KnownOperation | null {
    const document = check(text);
    if ('problem' in document) return null;
    const operation = getOperationAST(document, operationName);
    const compiled = operation?.operation === 'query' ? compileOperation(schema, document, operationName, lists) : null;
    if (!compiled || compiled.fieldCount > MOST_FIELDS_EACH) return null;
    const isPublic = isTrusted(document) && !dependsOnViewer(document);
    const isForEverybody = isPublic && publicOperations.includes(operation?.name?.value ?? '');
    return { id: ++prepared, document, operationName, compiled, isPublic, isForEverybody };
  }

  return {
    find(text, operationName) {
      // No operation begins with a digit, as the keys of named ones do; and a name that was made up may hold anything.
      if (/^\d/.test(text)) return null;
      const key = operationName === null ? text : `${operationName.length} ${operationName} ${text}`;
      if (key.length > LONGEST_KEY) return null;
      let operation = ready.get(key);
      if (!operation) {
        const times = asked.get(key) ?? 0;
        if (times < after) {
          asked.set(key, times + 1);
          return null;
        }
        operation = prepare(text, operationName) ?? UNFIT;
        ready.set(key, operation);
        asked.delete(key);
      }
      return operation === UNFIT ? null : operation;
    },
  };
}
