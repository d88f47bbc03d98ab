// GraphQL: Yoga with our schema, limits, masking and accounting, for HTTP and for whatever else brings operations.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type DocumentNode, GraphQLError, getOperationAST } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import type { Accounting, Visit } from './accounting.ts';
import { type Config, ConfigError } from './config.ts';
import type { Context, createContexts } from './context.ts';
import { maskError } from './errors.ts';
import { clashesOf } from './graph/entity.ts';
import { createServedSchema } from './graph/federation.ts';
import { type Answer, type Answers, isAnswers, subscribe } from './http/answers.ts';
import { refusal } from './http/body.ts';
import type { EventStreams } from './http/event-stream.ts';
import type { Exchange } from './http/exchange.ts';
import { GRAPHQL_PATH, type RequestWithBody } from './http/front.ts';
import { createLimits } from './http/limits.ts';
import type { Operation, PreparedOperation } from './http/web-socket-protocol.ts';

export type GraphqlDependencies = {
  config: Pick<Config, 'maxTokens' | 'maxDepth' | 'introspection' | 'federation'>;
  contexts: ReturnType<typeof createContexts>;
  accounting: Accounting;
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
export function createGraphql({ config, contexts, accounting, streams, onBug }: GraphqlDependencies) {
  refuseClashes(config.federation);
  const schema = createServedSchema({ names: config.federation, introspection: config.introspection });
  const mask = (error: unknown) => maskError(error, onBug);
  const yoga = createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    context: ({ request, visit }) => {
      visit.opened = contexts.open({
        gone: 'gone' in visit.origin ? visit.origin.gone : request.signal,
        viewer: visit.exchange.viewer,
        resumeAfter: 'request' in visit.origin ? lastEventIdOf(visit.origin.request) : null,
        onUpstreamCall: () => visit.exchange.upstreamCalls++,
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
    plugins: [createLimits(config), operations(), httpAnswers()],
  });

  function operations(): Plugin<ServerContext, ServerContext> {
    return {
      onExecute: ({ args }) => accounting.begin(args.contextValue.visit, args.document, args.operationName),
      onSubscribe({ args, setSubscribeFn, setResultAndStopExecution }) {
        const { visit } = args.contextValue;
        accounting.begin(visit, args.document, args.operationName);
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

    /** Checks an operation that did not come over HTTP: why it cannot run, or the way to run it. */
    prepare(operation: Operation): PreparedOperation | readonly GraphQLError[] {
      const { query, operationName, variables, exchange, gone } = operation;
      const visit: Visit = { exchange, origin: { gone }, opened: null, operationType: null };
      const enveloped = yoga.getEnveloped({ visit });
      const refuse = (errors: readonly unknown[]) => {
        const answer = { errors: errors.map(mask) };
        accounting.settle(visit, answer);
        return answer;
      };
      let document: DocumentNode;
      try {
        document = enveloped.parse(query);
      } catch (error) {
        return refuse([coded(error, 'GRAPHQL_PARSE_FAILED')]).errors;
      }
      const problems = enveloped.validate(schema, document);
      if (problems.length > 0) return refuse(problems).errors;
      const known = getOperationAST(document, operationName);
      if (!known) return refuse([unknownOperation()]).errors;
      const args = { schema, document, operationName, variableValues: variables };
      return {
        ...args,
        async run() {
          try {
            const run = known.operation === 'subscription' ? enveloped.subscribe : enveloped.execute;
            const answer: Answer | Answers = await run({ ...args, contextValue: await enveloped.contextFactory() });
            if (isAnswers(answer)) accounting.stream(visit);
            else accounting.settle(visit, answer);
            return answer;
          } catch (error) {
            return refuse([error]);
          }
        },
      };
    },
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

/** Over HTTP Yoga gives the code. */
function coded(error: unknown, code: string): unknown {
  if (!(error instanceof GraphQLError)) return error;
  const { message, source, positions, extensions } = error;
  return new GraphQLError(message, { source, positions, extensions: { code, ...extensions } });
}

function unknownOperation(): GraphQLError {
  const extensions = { code: 'OPERATION_RESOLUTION_FAILURE' };
  return new GraphQLError('The document has no such operation, or several and none is named.', { extensions });
}

/** Only the schema can tell which names are taken. */
function refuseClashes(names: Config['federation']): void {
  const { type, key } = clashesOf(names);
  const problems = [...(type ? [`FEDERATION_USER_TYPE ${type}`] : []), ...(key ? [`FEDERATION_USER_KEY ${key}`] : [])];
  if (problems.length > 0) throw new ConfigError(problems);
}
