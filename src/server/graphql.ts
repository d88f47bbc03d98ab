// GraphQL: Yoga with our schema, limits, masking and accounting, for HTTP and for whatever else brings operations.
import type { ServerResponse } from 'node:http';
import type { DocumentNode } from 'graphql';
import type { Config } from '../config.ts';
import type { Contexts, GraphSettings, OpenContext } from '../context.ts';
import { ConfigError, maskError, shorten, withoutGuess } from '../errors.ts';
import { createCostCheck } from '../graph/cost.ts';
import { createServedSchema } from '../graph/federation.ts';
import type { Accounting, Visit } from './accounting.ts';
import { bodyOf } from './body.ts';
import type { Caching } from './caching.ts';
import { createCosts } from './costs.ts';
import type { Documents } from './documents.ts';
import type { EventStreams } from './event-streams.ts';
import type { Exchange } from './exchange.ts';
import type { RequestWithBody } from './front.ts';
import { goneSignal } from './gone.ts';
import { createPrepare, type PrepareDependencies } from './prepare.ts';
import { createYogaServer } from './yoga.ts';

export type GraphqlDependencies = {
  config: Pick<
    Config,
    'maxTokens' | 'maxDepth' | 'maxAliases' | 'maxDirectives' | 'maxResponseBytes' | 'introspection' | 'federation'
  >;
  settings: GraphSettings;
  contexts: Contexts;
  accounting: Accounting;
  documents: Documents;
  caching: Caching;
  streams: EventStreams;
  /** Told of what no client can be told. */
  onBug(error: unknown): void;
};

/** Makes what runs GraphQL operations. */
export function createGraphql(dependencies: GraphqlDependencies) {
  const { config, settings, contexts, accounting, documents, caching, onBug } = dependencies;
  const schema = createServedSchema({ names: config.federation, introspection: config.introspection });
  const mask = (error: unknown) => maskError(error, onBug, config.introspection ? shorten : withoutGuess);
  const costs = createCosts({ check: createCostCheck(schema, settings), maxResponseBytes: config.maxResponseBytes });
  const { yoga, check } = createYogaServer({
    ...dependencies,
    schema,
    open,
    begin,
    costs,
    mask,
  });
  refuseDocuments();
  /** What the request behind a visit carries through the house: one for both ways of answering it. */
  function open(visit: Visit): OpenContext {
    const { exchange, origin } = visit;
    if (visit.opened) return visit.opened;
    const watch = caching.watch(visit);
    visit.opened = contexts.open({
      gone: 'gone' in origin ? origin.gone : () => goneSignal(origin.response),
      viewer: exchange.viewer,
      onUpstreamCall: () => exchange.upstreamCalls++,
      onRead: watch && (({ freshUntil }) => watch(freshUntil)),
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

  return {
    /** Serves `/graphql` requests; `body` has been read and bounded, and is null where there is none. */
    async serve(request: RequestWithBody, response: ServerResponse, exchange: Exchange, body: string | null) {
      const visit: Visit = { exchange, origin: { request, response }, opened: null, operationType: null };
      if (body !== null) request.body = bodyOf(body);
      await yoga(request, response, { visit });
    },

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
