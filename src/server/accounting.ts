// What became of each operation, for the log line, the metrics, and the client who should know that an answer is old.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type DocumentNode, type ExecutionResult, getOperationAST, type OperationTypeNode } from 'graphql';
import type { OpenContext } from '../context.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Answer } from './answers.ts';
import type { Exchange } from './exchange.ts';

/** What Node's HTTP server has read; what came over HTTP without it, or from elsewhere, as long as somebody waits for it. */
type Origin = { readonly request: IncomingMessage; readonly response: ServerResponse } | { gone(): AbortSignal };

/** An operation on its way: one object, so that whoever opens something can have it closed. */
export type Visit = {
  readonly exchange: Exchange;
  /** Another one when Node's server has to read the request, too. */
  origin: Origin;
  opened: OpenContext | null;
  operationType: OperationTypeNode | null;
};

export type Accounting = ReturnType<typeof createAccounting>;

/** Creates the books of one gateway. */
export function createAccounting(metrics: Metrics | null) {
  const open = { sse: 0, websocket: 0 };

  /** Notes an answer's errors, and says in it what was stale. */
  function note({ exchange, opened }: Visit, answer: Answer): void {
    for (const { extensions } of answer.errors ?? []) {
      const code = String(extensions?.code);
      // A stream may go on for days, and answer with one error after another.
      if (!exchange.errorCodes.includes(code)) exchange.errorCodes.push(code);
    }
    const staleness = opened?.staleness();
    if (!staleness) return;
    const freshness = {
      oldestAgeSeconds: Math.round(staleness.ageMs / 1000),
      reason: staleness.failure ?? 'REVALIDATING',
    };
    answer.extensions = { ...answer.extensions, freshness };
  }

  return {
    note,

    /** It is known what is to run. */
    begin(visit: Visit, document: DocumentNode, operationName: string | null | undefined): void {
      const operation = getOperationAST(document, operationName);
      visit.exchange.operationName = operation?.name?.value ?? null;
      visit.operationType = operation?.operation ?? null;
    },

    /** An operation has its one answer: nothing more is read for it. */
    settle(visit: Visit, answer: ExecutionResult): void {
      visit.opened?.close();
      if (!('data' in answer || 'errors' in answer)) return;
      for (const { extensions } of answer.errors ?? []) {
        // The document is right, yet nothing ran: its variables are wrong (GraphQL over HTTP, 6.4.2).
        if (visit.opened && !('data' in answer) && extensions) extensions.http ??= { spec: true, status: 400 };
        // Who protects us, a proxy or a monitor, goes by the status, whatever type of answer the client takes.
        if (extensions?.code === 'OPERATION_TOO_EXPENSIVE') extensions.http = { status: 400 };
      }
      note(visit, answer);
      const { operationName, errorCodes } = visit.exchange;
      metrics?.onQuery(visit.operationType, operationName, errorCodes[0] ?? null);
    },

    /** A subscription has begun to give answers: it counts as one operation, however many there will be. */
    stream({ operationType, exchange }: Visit): void {
      metrics?.onQuery(operationType, exchange.operationName, null);
    },

    /** Counts a subscription as open until the answer is called. */
    hold({ origin, opened }: Visit): () => void {
      const transport = 'request' in origin ? 'sse' : 'websocket';
      open[transport]++;
      return () => {
        open[transport]--;
        opened?.close();
      };
    },

    /** How many subscriptions are open, by transport. */
    openSubscriptions: (): Readonly<typeof open> => open,
  };
}
