// The long way: Yoga with our schema, limits, masking and accounting. It answers everything that may come, and alone
// words what is refused.
import { type DocumentNode, type ExecutionArgs, GraphQLError, type GraphQLSchema } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import type { Config } from '../config.ts';
import type { OpenContext } from '../context.ts';
import type { Accounting, Visit } from './accounting.ts';
import { type Answer, isAnswers, subscribe } from './answers.ts';
import { refusal } from './body.ts';
import type { Caching } from './caching.ts';
import type { createCosts } from './costs.ts';
import type { Documents } from './documents.ts';
import type { EventStreams } from './event-streams.ts';
import { GRAPHQL_PATH } from './front.ts';
import { createLimits } from './limits.ts';

/** What Yoga hands on with a request. */
type ServerContext = { readonly visit: Visit };

export type YogaServerDependencies = {
  schema: GraphQLSchema;
  config: Pick<Config, 'maxTokens' | 'maxDepth' | 'maxAliases' | 'maxDirectives' | 'introspection'>;
  open(visit: Visit): OpenContext;
  /** It is known what is to run. */
  begin(visit: Visit, document: DocumentNode, operationName: string | null | undefined): void;
  costs: ReturnType<typeof createCosts>;
  accounting: Accounting;
  documents: Pick<Documents, 'plugin'>;
  caching: Caching;
  streams: EventStreams;
  mask(error: unknown): GraphQLError;
};

/** `accept` headers for which a subscription can be answered over HTTP. */
const TAKES_STREAMS = /\*\/\*|text\/(\*|event-stream)/i;

/** Makes Yoga, and the check of a document as requests are checked. */
export function createYogaServer(dependencies: YogaServerDependencies) {
  const { schema, config, open, begin, costs, accounting, documents, caching, streams, mask } = dependencies;
  const yoga = createYoga<ServerContext>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    // It copies a context, and ours is more than its own fields: the executor gets it below.
    context: ({ visit }) => void open(visit),
    maskedErrors: { maskError: mask },
    parserAndValidationCache: { documentCache: boundedByText(), errorCache: boundedByText() },
    // The body has been read; Yoga's own limit would pipe it through a stream once more.
    maxRequestBodySize: false,
    multipart: false,
    cors: false,
    graphiql: false,
    landingPage: false,
    logging: false,
    plugins: [documents.plugin, createLimits(config), operations(), costs, httpAnswers(), caching.plugin, contexts()],
  });

  function operations(): Plugin<ServerContext, ServerContext> {
    return {
      onExecute: ({ args }) => begin(args.contextValue.visit, args.document, args.operationName),
      onSubscribe({ args, setSubscribeFn, setResultAndStopExecution }) {
        const { visit } = args.contextValue;
        begin(visit, args.document, args.operationName);
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

  /** The last before what executes, so that all the others see Yoga's own context. */
  function contexts(): Plugin<ServerContext, ServerContext> {
    const within =
      <R>(run: (args: ExecutionArgs) => R) =>
      (args: ExecutionArgs): R =>
        run({ ...args, contextValue: open((args.contextValue as ServerContext).visit) });
    return {
      onExecute: ({ executeFn, setExecuteFn }) => setExecuteFn(within(executeFn)),
      onSubscribe: ({ subscribeFn, setSubscribeFn }) => setSubscribeFn(within(subscribeFn)),
    };
  }

  /** Parses and validates as requests are checked, so that nothing is trusted that would be refused. */
  function check(text: string): DocumentNode | { problem: string } {
    const { parse, validate } = yoga.getEnveloped();
    try {
      const document: DocumentNode = parse(text);
      const [problem] = validate(schema, document);
      return problem ? { problem: problem.message } : document;
    } catch (error) {
      return { problem: (error as Error).message };
    }
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
        streams.add(origin.response);
      },
    };
  }

  return { yoga, check };
}

/** Yoga keeps as many documents, of any size; a parsed one takes some 40 bytes for each letter of its text. */
function boundedByText<V extends object>(): LRUCache<string, V> {
  return new LRUCache({ max: 1000, maxSize: 500_000, sizeCalculation: (_value, text) => text.length + 1 });
}

function refuseType(_result: unknown, { Response }: { Response: typeof globalThis.Response }) {
  const message = 'There is no answer of a type that is accepted: accept application/json or text/event-stream.';
  return new Response(refusal(message), { status: 406, headers: { 'content-type': 'application/json' } });
}

function notAcceptable(): GraphQLError {
  const message = 'A subscription is answered by a stream of events: accept text/event-stream, or use a WebSocket.';
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST', http: { status: 406 } } });
}
