// GraphQL: Yoga with our schema and one ordered list of plugins, for HTTP and for WebSockets.
import { execute, subscribe } from '@graphql-tools/executor';
import { mapAsyncIterator } from '@graphql-tools/utils';
import {
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
  type GraphQLSchema,
  getOperationAST,
} from 'graphql';
import { createYoga, isAsyncIterable, type Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import type { createContexts } from '../context.ts';
import type { CheckCost } from '../graph/cost.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { UsageReports } from '../telemetry/usage-reports.ts';
import { streamsOnly } from './graphql-http.ts';
import { createLimits, documentCache } from './limits.ts';
import { maskError, shorten, withoutGuess } from './public-answer.ts';
import { endOperation, type RequestState } from './request-state.ts';
import type { Documents } from './trusted-documents.ts';

/** What a trace calls an operation until its type is known. */
const OPERATION = 'GraphQL Operation';

type ServerContext = { readonly state: RequestState; readonly acceptsStream: boolean };
type OperationArgs = ExecutionArgs & { contextValue: ServerContext };
export type Answers = AsyncIterableIterator<ExecutionResult>;

export type GraphqlDependencies = {
  config: Config;
  schema: GraphQLSchema;
  openContext: ReturnType<typeof createContexts>;
  /** Why an operation would cost too much, or null. */
  checkCost: CheckCost;
  documents: Documents;
  metrics: Metrics | null;
  usage: UsageReports | null;
  log: Logger;
  clock: Clock;
};

export type Graphql = ReturnType<typeof createGraphql>;

/** Makes what runs GraphQL operations. */
export function createGraphql(dependencies: GraphqlDependencies) {
  const { config, schema, openContext, checkCost, documents, metrics, usage, log } = dependencies;
  const reportBug = (error: unknown) => log.error({ err: error }, 'A bug of ours failed a field');
  const mask = (error: unknown) => maskError(error, reportBug, config.introspection ? shorten : withoutGuess);

  const yoga = createYoga<ServerContext>({
    schema,
    maskedErrors: { maskError: mask },
    parserAndValidationCache: { documentCache: documentCache(), errorCache: documentCache() },
    extraParamNames: ['documentId', 'doc_id'],
    logging: false,
    plugins: [documents.plugin, ...createLimits(config), operations()],
  });
  /** All that plugins are to know of a request: by GET nothing may be changed. */
  const requestBy = (method: string) => new yoga.fetchAPI.Request('http://localhost', { method });
  const requests: Record<string, Request> = { GET: requestBy('GET'), POST: requestBy('POST') };

  /** Hands resolvers our context: Yoga would copy its fields. */
  function withContext({ contextValue, ...args }: ExecutionArgs): ExecutionArgs {
    const { state } = contextValue as ServerContext;
    state.context = openContext({
      disconnectSignal: state.disconnectSignal,
      viewer: state.viewer,
      span: state.operationSpan,
      onUpstreamCall: () => state.upstreamCalls++,
      onRead({ group, sequence, freshUntil }) {
        if (state.operationType === 'subscription') return;
        state.freshUntil = Math.min(state.freshUntil, freshUntil);
        state.groups.set(group, Math.min(sequence, state.groups.get(group) ?? sequence));
      },
    });
    return { ...args, contextValue: state.context };
  }

  /** Notes what is to run, runs it with our context, and gives each answer of a subscription what an answer gets. */
  function operations(): Plugin<ServerContext, ServerContext> {
    function begin(
      { document, operationName, variableValues: variables, contextValue: { state } }: OperationArgs,
      stop: (result: ExecutionResult) => void,
    ): void {
      const operation = getOperationAST(document, operationName);
      state.document = document;
      state.text = document.loc?.source.body ?? '';
      state.operationName = operation?.name?.value ?? null;
      state.operationType = operation?.operation ?? null;
      documents.begin(state);
      const problem = checkCost({ document, operationName, variables });
      if (problem) stop({ errors: [mask(problem) as GraphQLError] });
    }
    return {
      onExecute({ args, setExecuteFn, setResultAndStopExecution }) {
        // A later release of Yoga's executor: a tenth less, and prices and it take the same variables, `__proto__` too.
        setExecuteFn((args) => execute(withContext(args)));
        begin(args, setResultAndStopExecution);
      },
      onSubscribe({ args, setSubscribeFn, setResultAndStopExecution }) {
        setSubscribeFn((args) => subscribe(withContext(args)));
        begin(args, setResultAndStopExecution);
        const { state, acceptsStream } = args.contextValue;
        if (!acceptsStream) return setResultAndStopExecution({ errors: [streamsOnly()] });
        return {
          onSubscribeResult({ result, setResult }) {
            if (!isAsyncIterable(result)) return;
            const { transport } = state;
            metrics?.openSubscriptions.inc({ transport });
            // Yoga masks errors too late for our notes of them.
            const note = ({ errors, ...answer }: ExecutionResult) =>
              complete(state, errors ? { ...answer, errors: errors.map(mask) } : answer);
            // A failure of the events is the last answer, so that all transports tell it alike.
            const fail = (error: unknown) => complete(state, { errors: [mask(error)] });
            const end = () => {
              metrics?.openSubscriptions.dec({ transport });
              state.context?.close();
            };
            setResult(mapAsyncIterator(result, note, fail, end));
          },
        };
      },
    };
  }

  /** An operation has its one answer: nothing more is read for it. */
  function settle(state: RequestState, answer: ExecutionResult): ExecutionResult {
    state.context?.close();
    const completed = complete(state, answer);
    endOperation(state, dependencies);
    state.dependsOnViewer = state.context?.dependsOnViewer() ?? false;
    state.isWhole =
      state.operationType === 'query' && !answer.errors?.length && 'data' in answer && !state.context?.staleness();
    return completed;
  }

  /** Notes the errors of an answer, and says in it what of it is stale. */
  function complete({ context, errorCodes }: RequestState, answer: ExecutionResult): ExecutionResult {
    for (const { extensions } of answer.errors ?? []) {
      errorCodes.add(String(extensions.code));
      // An answer with data has 200 (GraphQL over HTTP, 6.4.2).
      if ('data' in answer) continue;
      // Proxies and monitors go by the status, for every type of answer.
      if (extensions.code === 'OPERATION_TOO_EXPENSIVE') extensions.http = { status: 400 };
      // The document is right, yet nothing ran: its variables are wrong.
      else if (context) extensions.http ??= { spec: true, status: 400 };
    }
    const staleness = context?.staleness();
    if (!staleness) return answer;
    const freshness = {
      oldestAgeSeconds: Math.round(staleness.ageMs / 1000),
      reason: staleness.failure ?? 'REVALIDATING',
    };
    return { ...answer, extensions: { ...answer.extensions, freshness } };
  }

  return {
    /** Parses and validates a text as those of requests are; throws what is wrong with it. */
    check(text: string): void {
      const { parse, validate } = yoga.getEnveloped();
      const [problem] = validate(schema, parse(text));
      if (problem) throw problem;
    },

    /** Counts an operation that was answered as before. */
    repeat(state: RequestState): void {
      if (usage) state.document = yoga.getEnveloped().parse(state.text);
      documents.begin(state);
      state.operationSpan = state.span.child(OPERATION, { 'follow_gateway.kept_answer': true });
      endOperation(state, dependencies);
    },

    /** Runs an operation. One that cannot run is answered by errors alone, a subscription by a stream of answers. */
    async run(
      params: object,
      state: RequestState,
      { method = 'POST', acceptsStream = true } = {},
    ): Promise<ExecutionResult | Answers> {
      const request = requests[method] as Request;
      state.operationSpan = state.span.child(OPERATION);
      let result: Awaited<ReturnType<typeof yoga.getResultForParams>>;
      try {
        result = await yoga.getResultForParams({ params, request }, { state, acceptsStream, request } as never);
      } catch (error) {
        result = { errors: [mask(error)] };
      }
      if (!isAsyncIterable(result)) return settle(state, (result ?? {}) as ExecutionResult);
      state.stream = result as Answers;
      endOperation(state, dependencies);
      return state.stream;
    },
  };
}
