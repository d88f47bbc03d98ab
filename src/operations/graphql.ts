// GraphQL: Yoga with our schema, limits, masking and accounting, for HTTP and for whatever else brings operations.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DocumentNode } from 'graphql';
import { type Config, ConfigError } from '../config.ts';
import type { createContexts, GraphSettings, OpenContext } from '../context.ts';
import { clientGone, maskError, shorten, withoutGuess } from '../errors.ts';
import type { Recording } from '../follow/recording.ts';
import { clashesOf } from '../graph/entity.ts';
import { createServedSchema } from '../graph/federation.ts';
import { bodyOf } from '../http/body.ts';
import { byteLengthOf, type Content } from '../http/content.ts';
import type { EventStreams } from '../http/event-stream.ts';
import type { Exchange } from '../http/exchange.ts';
import type { RequestWithBody } from '../http/front.ts';
import { goneSignal } from '../http/gone.ts';
import type { LaneOperation } from '../http/lane-front.ts';
import { createSendAnswer, type Reply, replyBy } from '../http/send-answer.ts';
import type { Accounting, Visit } from './accounting.ts';
import type { AnswerCache } from './answer-cache.ts';
import type { Caching } from './caching.ts';
import { createOperationCosts } from './costs.ts';
import type { Documents } from './documents.ts';
import { createHotPath } from './hot-path.ts';
import { createPrepare, type PrepareDependencies } from './prepare.ts';
import { createYogaServer } from './yoga.ts';

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
    | 'hotPath'
    | 'publicOperations'
    | 'federation'
  >;
  settings: GraphSettings;
  contexts: ReturnType<typeof createContexts>;
  accounting: Accounting;
  documents: Documents;
  caching: Caching;
  /** Null: no answers are kept. */
  answers: AnswerCache | null;
  /** Serves subscriptions over HTTP. */
  streams: EventStreams;
  /** Told of what no client can be told. */
  onBug(error: unknown): void;
};

/** Makes what runs GraphQL operations. */
export function createGraphql(dependencies: GraphqlDependencies) {
  const { config, settings, contexts, accounting, documents, caching, answers, onBug } = dependencies;
  refuseClashes(config.federation);
  const schema = createServedSchema({ names: config.federation, introspection: config.introspection });
  const mask = (error: unknown) => maskError(error, onBug, config.introspection ? shorten : withoutGuess);
  const costs = createOperationCosts(schema, config, settings);
  const send = createSendAnswer(config);
  const { yoga, check } = createYogaServer({
    ...dependencies,
    schema,
    open,
    begin,
    costs: costs.plugin,
    mask,
    onWhole: (accepted, type) => hotPath?.learn(accepted, type),
  });
  refuseDocuments();
  const hotPath =
    config.hotPath === null
      ? null
      : createHotPath({
          ...config,
          schema,
          after: config.hotPath,
          answers,
          check,
          open,
          begin: (visit, { document, operationName }) => begin(visit, document, operationName),
          checkCost: costs.check,
          documents,
          accounting,
          send: sendWhole,
        });

  /** Requests that were begun on the short lane. */
  const visits = new WeakMap<Exchange, Visit>();

  /** What the request behind a visit carries through the house: one for both ways of answering it. */
  function open(visit: Visit, recording: Recording | null = null): OpenContext {
    const { exchange, origin } = visit;
    visit.opened ??= contexts.open({
      recording,
      gone: 'gone' in origin ? origin.gone : () => goneSignal(origin.response),
      viewer: exchange.viewer,
      resumeAfter: 'request' in origin ? lastEventIdOf(origin.request) : null,
      onUpstreamCall: () => exchange.upstreamCalls++,
      onFresh: caching.watch(visit),
    });
    return visit.opened;
  }

  /** It is known what is to run. */
  function begin(visit: Visit, document: DocumentNode, operationName: string | null | undefined): void {
    // What was begun on the short way goes on here.
    if (visit.operationType !== null) return;
    accounting.begin(visit, document, operationName);
    documents.begin(visit, document);
  }

  function refuseDocuments(): void {
    const problems = documents.read(check);
    if (problems.length > 0) throw new ConfigError(problems.map((problem) => `TRUSTED_DOCUMENTS_PATH: ${problem}`));
  }

  function sendWhole({ origin, exchange }: Visit, type: string, body: Content): true | Promise<true> {
    const reply = replyOf(origin);
    if (!reply) return true;
    const tooLarge = costs.refusalOf(byteLengthOf(body));
    if (tooLarge) exchange.errorCodes.push(tooLarge.code);
    const sent = tooLarge ? send(reply, tooLarge.status, type, tooLarge.body) : send(reply, 200, type, body);
    return sent ? sent.then(() => true as const) : true;
  }

  function answerLane({ exchange, accept, ...origin }: LaneOperation, body: string): boolean | Promise<boolean> {
    const visit: Visit = { exchange, origin, opened: null, operationType: null };
    const remember = (isAnswered: boolean) => {
      if (!isAnswered) visits.set(exchange, visit);
      return isAnswered;
    };
    const answered = hotPath?.answer(visit, accept, body) ?? false;
    return typeof answered === 'boolean' ? remember(answered) : answered.then(remember);
  }

  /** Counts an operation that was begun, and that nobody waits for any more. */
  function abandon(exchange: Exchange): void {
    const visit = visits.get(exchange);
    if (visit && visit.operationType !== null) accounting.settle(visit, { errors: [mask(clientGone())] });
  }

  return {
    /** Serves `/graphql` requests; `body` has been read and bounded, and is null where there is none. */
    serve(
      request: RequestWithBody,
      response: ServerResponse,
      exchange: Exchange,
      body: string | null,
    ): void | Promise<void> {
      const begun = visits.get(exchange);
      const visit: Visit = begun ?? { exchange, origin: { request, response }, opened: null, operationType: null };
      visit.origin = { request, response };
      const isShort = body !== null && !begun && !request.url?.includes('?');
      const answered = isShort && (hotPath?.answer(visit, request.headers.accept, body) ?? false);
      if (answered === true) return undefined;
      if (answered) return answered.then((isAnswered) => (isAnswered ? undefined : takeLongWay()));
      return takeLongWay();

      async function takeLongWay(): Promise<void> {
        if (body !== null) request.body = bodyOf(body);
        await yoga(request, response, { visit });
      }
    },

    /** Answers operations of the short lane; null where there is no short way. */
    lane: hotPath && { answer: answerLane, abandon },

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

/** The way to a client over HTTP; null for one that came otherwise. */
function replyOf(origin: Visit['origin']): Reply | null {
  if ('reply' in origin) return origin.reply;
  return 'response' in origin ? replyBy(origin.request, origin.response) : null;
}

/** What a browser's EventSource says when it comes back: the id of the last event that it has read. */
function lastEventIdOf({ headers }: IncomingMessage): string | null {
  return headers['last-event-id']?.toString() || null;
}

/** Only the schema can tell which names are taken. */
function refuseClashes(names: Config['federation']): void {
  const { type, key } = clashesOf(names);
  const problems = [...(type ? [`FEDERATION_USER_TYPE ${type}`] : []), ...(key ? [`FEDERATION_USER_KEY ${key}`] : [])];
  if (problems.length > 0) throw new ConfigError(problems);
}
