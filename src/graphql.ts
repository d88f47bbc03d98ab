// GraphQL: Yoga with our schema, limits, masking and accounting, for HTTP and for whatever else brings operations.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type DocumentNode, type ExecutionArgs, GraphQLError } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import type { Accounting, Visit } from './accounting.ts';
import type { Caching } from './caching.ts';
import { type Config, ConfigError } from './config.ts';
import type { Context, createContexts, GraphSettings } from './context.ts';
import type { Documents } from './documents.ts';
import { maskError, shorten, withoutGuess } from './errors.ts';
import { createPredict } from './graph/cost.ts';
import { clashesOf } from './graph/entity.ts';
import { createServedSchema } from './graph/federation.ts';
import { type Answer, type Answers, isAnswers, subscribe } from './http/answers.ts';
import { refusal } from './http/body.ts';
import { createCompression } from './http/compression.ts';
import { createCosts } from './http/costs.ts';
import type { EventStreams } from './http/event-stream.ts';
import type { Exchange } from './http/exchange.ts';
import { GRAPHQL_PATH, type RequestWithBody } from './http/front.ts';
import { createLimits } from './http/limits.ts';
import { createPrepare, type PrepareDependencies } from './prepare.ts';

export type GraphqlDependencies = {
  config: Pick<
    Config,
    | 'maxTokens'
    | 'maxDepth'
    | 'maxAliases'
    | 'maxDirectives'
    | 'maxUpstreamCalls'
    | 'maxValues'
    | 'maxResponseBytes'
    | 'knownFansMaxCalls'
    | 'embeddedProfile'
    | 'introspection'
    | 'compression'
    | 'federation'
  >;
  settings: GraphSettings;
  contexts: ReturnType<typeof createContexts>;
  accounting: Accounting;
  documents: Documents;
  caching: Caching;
  /** Serves subscriptions over HTTP. */
  streams: EventStreams;
  /** Told of what no client can be told. */
  onBug(error: unknown): void;
};

/** What Yoga hands on with a request. */
type ServerContext = { readonly visit: Visit };

/** `accept` headers for which a subscription can be answered over HTTP. */
const TAKES_STREAMS = /\*\/\*|text\/(\*|event-stream)/i;

/** Makes what runs GraphQL operations. */
export function createGraphql(dependencies: GraphqlDependencies) {
  const { config, settings, contexts, accounting, documents, caching, streams, onBug } = dependencies;
  refuseClashes(config.federation);
  const schema = createServedSchema({ names: config.federation, introspection: config.introspection });
  const mask = (error: unknown) => maskError(error, onBug, config.introspection ? shorten : withoutGuess);
  const yoga = createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    context: ({ request, visit }) => {
      visit.opened = contexts.open({
        gone: 'gone' in visit.origin ? visit.origin.gone : request.signal,
        viewer: visit.exchange.viewer,
        resumeAfter: 'request' in visit.origin ? lastEventIdOf(visit.origin.request) : null,
        onUpstreamCall: () => visit.exchange.upstreamCalls++,
        onFresh: caching.watch(visit),
      });
      return visit.opened.context;
    },
    maskedErrors: { maskError: mask },
    parserAndValidationCache: { documentCache: boundedByText(), errorCache: boundedByText() },
    // The body has been read; Yoga's own limit would pipe it through a stream once more.
    maxRequestBodySize: false,
    multipart: false,
    cors: false,
    graphiql: false,
    landingPage: false,
    logging: false,
    plugins: [
      documents.plugin,
      createLimits(config),
      operations(),
      costs(),
      httpAnswers(),
      caching.plugin,
      ...(config.compression ? [createCompression()] : []),
    ],
  });
  refuseDocuments();

  function operations(): Plugin<ServerContext, ServerContext> {
    return {
      onExecute: ({ args }) => begin(args),
      onSubscribe({ args, setSubscribeFn, setResultAndStopExecution }) {
        const { visit } = args.contextValue;
        begin(args);
        const { origin } = visit;
        if ('request' in origin && !TAKES_STREAMS.test(origin.request.headers.accept || '*/*'))
          return setResultAndStopExecution({ errors: [notAcceptable()] });
        setSubscribeFn((subscribing) => {
          const onAnswer = (answer: Answer) => {
            answer.errors &&= answer.errors.map(mask);
            accounting.note(visit, answer);
          };
          return subscribe(subscribing, { onAnswer, onEnd: accounting.hold(visit) });
        });
      },
    };
  }

  function costs() {
    const most = { calls: config.maxUpstreamCalls, values: config.maxValues };
    const predict = createPredict(schema, most, {
      ...settings,
      knownFansMaxCalls: config.knownFansMaxCalls,
      embedsProfiles: config.embeddedProfile === 'whole',
      keys: ['id', config.federation.key],
    });
    return createCosts({ predict, most, maxResponseBytes: config.maxResponseBytes });
  }

  /** It is known what is to run. */
  function begin({
    contextValue,
    document,
    operationName,
  }: Pick<ExecutionArgs, 'document' | 'operationName'> & { contextValue: ServerContext }) {
    const { visit } = contextValue;
    accounting.begin(visit, document, operationName);
    documents.begin(visit, document);
  }

  /** As requests are checked, so that nothing is trusted that would be refused, and nothing is checked twice. */
  function refuseDocuments(): void {
    const { parse, validate } = yoga.getEnveloped();
    const problems = documents.read((text) => {
      try {
        const document: DocumentNode = parse(text);
        const [problem] = validate(schema, document);
        return problem ? { problem: problem.message } : document;
      } catch (error) {
        return { problem: (error as Error).message };
      }
    });
    if (problems.length > 0) throw new ConfigError(problems.map((problem) => `TRUSTED_DOCUMENTS_PATH: ${problem}`));
  }

  function httpAnswers(): Plugin<ServerContext, ServerContext> {
    return {
      onResultProcess({ serverContext: { visit }, result, resultProcessor, setResultProcessor }) {
        if (Array.isArray(result)) return visit.opened?.close();
        if (!resultProcessor) setResultProcessor(refuseType, 'application/json');
        if (!isAnswers(result)) return accounting.settle(visit, result);
        accounting.stream(visit);
        const { origin } = visit;
        if (!('response' in origin)) return;
        visit.exchange.isStream = true;
        setResultProcessor(async (answers, { Response }) => {
          await streams.send(origin.response, answers as Answers);
          // Yoga wants one, and does nothing with it once the exchange is over.
          return new Response(null);
        }, 'text/event-stream');
      },
    };
  }

  return {
    /** Serves `/graphql` requests whose body the front has read and bounded. */
    serve: (request: RequestWithBody, response: ServerResponse, exchange: Exchange) =>
      yoga(request, response, {
        visit: { exchange, origin: { request, response }, opened: null, operationType: null },
      }),

    /** For what did not come over HTTP. */
    prepare: createPrepare({
      schema,
      accounting,
      documents,
      // Yoga's own type says nothing of what these steps take and give.
      envelop: (visit) => yoga.getEnveloped({ visit }) as ReturnType<PrepareDependencies['envelop']>,
      mask,
    }),
  };
}

/** Yoga keeps as many documents, of any size; a parsed one takes some 40 bytes for each letter of its text. */
function boundedByText<V extends object>(): LRUCache<string, V> {
  return new LRUCache({ max: 1000, maxSize: 500_000, sizeCalculation: (_value, text) => text.length + 1 });
}

/** What a browser's EventSource says when it comes back: the id of the last event that it has read. */
function lastEventIdOf({ headers }: IncomingMessage): string | null {
  return headers['last-event-id']?.toString() || null;
}

function refuseType(_result: unknown, { Response }: { Response: typeof globalThis.Response }) {
  const message = 'There is no answer of a type that is accepted: accept application/json or text/event-stream.';
  return new Response(refusal(message), { status: 406, headers: { 'content-type': 'application/json' } });
}

function notAcceptable(): GraphQLError {
  const message = 'A subscription is answered by a stream of events: accept text/event-stream, or use a WebSocket.';
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 406 } } });
}

/** Only the schema can tell which names are taken. */
function refuseClashes(names: Config['federation']): void {
  const { type, key } = clashesOf(names);
  const problems = [...(type ? [`FEDERATION_USER_TYPE ${type}`] : []), ...(key ? [`FEDERATION_USER_KEY ${key}`] : [])];
  if (problems.length > 0) throw new ConfigError(problems);
}
