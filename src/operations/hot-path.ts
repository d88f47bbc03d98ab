// The short way of an answer: a query that is asked again and again, over POST, with nothing odd about it, is answered
// here with the parts of the house that matter to it. Whatever is not as usual takes the long way, through Yoga, which
// alone words refusals and errors.
import type { GraphQLSchema } from 'graphql';
import type { OpenContext } from '../context.ts';
import type { Written } from '../execution/run.ts';
import { createRecording, type Recording } from '../follow/recording.ts';
import type { Answer } from '../http/answers.ts';
import type { Content } from '../http/content.ts';
import type { CheckCost } from '../http/costs.ts';
import { type PostParams, readPostParams } from '../http/post-params.ts';
import type { CheckDocument } from '../http/trusted-documents.ts';
import type { Accounting, Visit } from './accounting.ts';
import type { AnswerCache } from './answer-cache.ts';
import type { Documents } from './documents.ts';
import { createKnownOperations, type KnownOperation } from './known-operations.ts';

export type HotPath = {
  /**
   * Answers a request by POST of which the body has been read, and the `accept` header. False: nothing has been sent, and
   * the long way has to be taken; what has been read for it so far is in the visit, so that nothing is asked twice.
   */
  answer(visit: Visit, accept: string | undefined, body: string): boolean | Promise<boolean>;
  /** The long way has answered a query, without an error, to a client that accepts this. */
  learn(accepted: string | undefined, type: string): void;
};

export type HotPathDependencies = {
  schema: GraphQLSchema;
  /** How often an operation is asked before it is answered this way. */
  after: number;
  check: CheckDocument;
  /** The same visit never gets two; a `recording` notes what the answer is made from. */
  open(visit: Visit, recording: Recording | null): OpenContext;
  /** An operation is about to run. */
  begin(visit: Visit, operation: KnownOperation): void;
  checkCost: CheckCost;
  documents: Pick<Documents, 'knownText' | 'isTrusted'>;
  accounting: Pick<Accounting, 'settle' | 'count'>;
  /** Null: no answers are kept. */
  answers: AnswerCache | null;
  /** Operations whose answer to nobody in particular is for everybody. */
  publicOperations: readonly string[];
  send(visit: Visit, type: string, body: Content): true | Promise<true>;
};

/** Clients are few kinds; a longer header is none of theirs. */
const MOST_ACCEPTS = 100;
const LONGEST_ACCEPT = 500;

/** Data that is written already. */
const WRITTEN = {};

export function createHotPath(dependencies: HotPathDependencies): HotPath {
  const { open, begin, checkCost, documents, accounting, answers, send } = dependencies;
  const operations = createKnownOperations({
    ...dependencies,
    lists: answers?.lists ?? null,
    publicOperations: answers === null ? [] : dependencies.publicOperations,
    isTrusted: answers === null ? () => false : documents.isTrusted,
  });
  /** By `accept` header, the type that Yoga has chosen for it. */
  const types = new Map<string, string>();

  function find(params: PostParams): KnownOperation | null {
    const text = documents.knownText(params);
    return text === null ? null : operations.find(text, params.operationName ?? null);
  }

  /** Runs an operation, and sends what it answers; `keep` is told of an answer that holds nothing stale. */
  function run(
    visit: Visit,
    { compiled }: KnownOperation,
    variables: PostParams['variables'],
    recording: Recording | null,
    type: string,
    keep?: (content: Content) => void,
  ): boolean | Promise<boolean> {
    const opened = open(visit, recording);
    const finish = (data: Written | null): boolean | Promise<boolean> => {
      if (data === null) return false;
      const answer: Answer = { data: WRITTEN };
      accounting.settle(visit, answer);
      const rest = answer.extensions ? `,"extensions":${JSON.stringify(answer.extensions)}` : '';
      const content = around('{"data":', data, `${rest}}`);
      if (opened.staleness() === null) keep?.(content);
      return send(visit, type, content);
    };
    const data = compiled.run(opened, variables);
    return data instanceof Promise ? data.then(finish) : finish(data);
  }

  /** The same for an answer that everybody gets. */
  function runForEverybody(
    cache: AnswerCache,
    visit: Visit,
    operation: KnownOperation,
    variables: PostParams['variables'],
    type: string,
  ): boolean | Promise<boolean> {
    const key = keyOf(operation, variables);
    if (key === null) return run(visit, operation, variables, null, type);
    const known = cache.find(key);
    if (known !== undefined) {
      accounting.count(visit);
      return send(visit, type, known);
    }
    const recording = createRecording();
    return run(visit, operation, variables, recording, type, (content) => cache.keep(key, content, recording));
  }

  return {
    answer(visit, accept = '', body) {
      const type = types.get(accept);
      if (type === undefined) return false;
      const params = readPostParams(body);
      const operation = params && find(params);
      if (!operation || params.extensions?.cost === true) return false;
      const { document, operationName } = operation;
      const { variables, extensions } = params;
      const { viewer } = visit.exchange;
      const viewerId = viewer?.userId ?? null;
      if (checkCost({ document, operationName, variables, extensions, viewerId }).problem) return false;
      begin(visit, operation);
      const isForEverybody = viewer === null ? operation.isPublic : operation.isForEverybody;
      return answers && isForEverybody
        ? runForEverybody(answers, visit, operation, variables, type)
        : run(visit, operation, variables, null, type);
    },

    learn(accepted = '', type) {
      if (accepted.length > LONGEST_ACCEPT) return;
      if (types.size >= MOST_ACCEPTS) types.clear();
      types.set(accepted, type);
    },
  };
}

/** Puts text before and behind pieces, as part of theirs where they are text. */
function around(before: string, pieces: Written, behind: string): Content {
  const [first = '', ...others] = pieces;
  if (others.length === 0 && typeof first === 'string') return before + first + behind;
  const last = others.pop() ?? '';
  return [
    ...(typeof first === 'string' ? [before + first] : [before, first]),
    ...others,
    ...(typeof last === 'string' ? [last + behind] : [last, behind]),
  ];
}

/** Names an answer; null where a name would not tell it from others: JSON writes a number beyond all numbers as null. */
function keyOf({ id }: KnownOperation, variables: PostParams['variables']): string | null {
  const key = `${id} ${variables ? JSON.stringify(variables) : ''}`;
  return key.includes('null') && hasInfinity(variables) ? null : key;
}

function hasInfinity(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).some(hasInfinity);
  return typeof value === 'number' && !Number.isFinite(value);
}
