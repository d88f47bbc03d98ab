// The body of a POST request as GraphQL over HTTP has it (section 5.4), when there is nothing odd about it.
import type { DocumentParams } from './document-request.ts';

export type PostParams = DocumentParams & {
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | null | undefined;
};

const KNOWN = new Set(['query', 'operationName', 'variables', 'extensions', 'documentId', 'doc_id']);

/** Reads a body; null when anything in it needs more than a look: then whoever words the refusals has to see it. */
export function readPostParams(body: string): PostParams | null {
  let params: unknown;
  try {
    params = JSON.parse(body);
  } catch {
    return null;
  }
  if (!isRecord(params)) return null;
  for (const name of Object.keys(params)) if (!KNOWN.has(name)) return null;
  const { query, operationName, variables, extensions } = params;
  const isPlain =
    isMissingOr(query, typeof query === 'string') &&
    isMissingOr(operationName, typeof operationName === 'string' && operationName !== '') &&
    isMissingOr(variables, isRecord(variables)) &&
    isMissingOr(extensions, isRecord(extensions));
  // Each of them has just been looked at.
  return isPlain ? (params as PostParams) : null;
}

const isMissingOr = (value: unknown, isFine: boolean): boolean => value === undefined || value === null || isFine;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
